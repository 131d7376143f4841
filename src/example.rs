//! Runs the examples that a rule file carries: the rule alone, over the estate that the example states.

use jiff::Timestamp;

use crate::exposure::analyse;
use crate::input::{Given, Reading};
use crate::net::MANAGEMENT_PORTS;
use crate::rule::assess::{Assessor, Policy};
use crate::rule::facts::Estate;
use crate::rule::file::Expect;
use crate::rule::params::ResolvedParams;
use crate::rule::{Example, Judgement, Rule, Verdict};

/// Runs one example.
///
/// # Errors
/// One sentence for each way in which the rule did not say what the example expects.
pub fn run(rule: &Rule, example: &Example) -> Result<(), Vec<String>> {
    let mut params = ResolvedParams::defaults(rule);
    for (name, value) in &example.params {
        params.set(rule, name, value).map_err(|refusal| vec![refusal.message])?;
    }
    let reading = read(example);
    if let Some(broken) = reading
        .diagnostics
        .iter()
        .find(|diagnostic| diagnostic.level == crate::source::Level::Error)
    {
        return Err(vec![format!("the estate cannot be read: {}", broken.message)]);
    }
    let said = judge(rule, &params, &reading, example.now);
    let mut problems = compare(&example.expect, &said);
    if let Some(cause) = &example.cause
        && !said
            .iter()
            .any(|(_, judgement)| judgement.cause.as_ref() == Some(cause))
    {
        problems.push(format!("no subject has the cause `{cause}`"));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn read(example: &Example) -> Reading {
    let mut reading = Reading::default();
    let text = serde_json::Value::Array(example.estate.clone()).to_string();
    reading.read(&example.name, Given::Named, text.as_bytes());
    // What an example does not state does not exist.
    reading.inventory.coverage.whole = true;
    reading.finish();
    reading
}

fn judge(rule: &Rule, params: &ResolvedParams, reading: &Reading, now: Option<Timestamp>) -> Vec<(String, Judgement)> {
    let exposures = analyse(&reading.inventory, &reading.sources, &ports(rule, params));
    let estate = Estate::new(&reading.inventory, &exposures, now.unwrap_or(Timestamp::UNIX_EPOCH));
    let policies = [Policy::reported((rule, params))];
    let (sources, assumed) = (&reading.sources, &[]);
    let assessor = Assessor {
        estate: &estate,
        sources,
        policies: &policies,
        assumed,
        keep_all: true,
    };
    assessor
        .assess()
        .all
        .into_iter()
        .map(|(_, name, judgement)| (name.to_string(), judgement))
        .collect()
}

/// The ports to analyse for a rule: its own, or the management ports where it has none.
pub fn ports(rule: &Rule, params: &ResolvedParams) -> Vec<u16> {
    let own = params
        .to_json(rule)
        .get("ports")
        .and_then(serde_json::Value::as_array)
        .cloned()
        .unwrap_or_default();
    let mut ports: Vec<u16> = own
        .iter()
        .filter_map(|port| u16::try_from(port.as_u64()?).ok())
        .collect();
    if ports.is_empty() {
        ports.extend(MANAGEMENT_PORTS);
    }
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn compare(expect: &Expect, said: &[(String, Judgement)]) -> Vec<String> {
    match expect {
        Expect::Single(verdict) => match said {
            [] => vec!["the estate has no subject for this rule".to_owned()],
            _ => said
                .iter()
                .filter_map(|(name, judgement)| differs(name, judgement, *verdict))
                .collect(),
        },
        Expect::ByName(expected) => expected
            .iter()
            .filter_map(
                |(name, verdict)| match said.iter().find(|(subject, _)| subject == name) {
                    Some((_, judgement)) => differs(name, judgement, *verdict),
                    None => Some(format!("the estate has no subject `{name}` for this rule")),
                },
            )
            .collect(),
    }
}

fn differs(name: &str, judgement: &Judgement, expected: Verdict) -> Option<String> {
    let said = judgement.verdict;
    (said != expected).then(|| {
        format!(
            "`{name}` is {}, not {}: {}",
            said.label(),
            expected.label(),
            judgement.message
        )
    })
}
