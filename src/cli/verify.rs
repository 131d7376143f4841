//! `portcullis verify-effective`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::reading_arguments::ReadingArguments;
use super::{Failure, scan, status};
use crate::exposure::analyse;
use crate::net::MANAGEMENT_PORTS;
use crate::report::text;
use crate::verify::{Answer, Comparison, Difference, compare, parse};

const NAME_COLUMNS: usize = 80;
/// Differences shown on the console; JSON has them all.
const MOST_DIFFERENCES: usize = 40;

#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// Answers as Azure gave them: `az network nic list-effective-nsg -o json`, or
    /// `{"request": ..., "response": ...}` of IP flow verify
    #[arg(required = true, value_name = "FILE")]
    answers: Vec<PathBuf>,

    /// The estate that the answers speak of, as for `scan`; may be given several times
    #[arg(long, required = true, value_name = "PATH")]
    estate: Vec<PathBuf>,

    /// The management ports [default: 22,3389,5985,5986]
    #[arg(long, value_name = "PORTS", value_parser = scan::ports)]
    ports: Option<scan::Ports>,

    #[command(flatten)]
    reading: ReadingArguments,

    /// How to print the comparison
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: VerifyFormat,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum VerifyFormat {
    #[default]
    Console,
    Json,
}

#[derive(Serialize)]
struct Verified {
    file: String,
    #[serde(flatten)]
    comparison: Comparison,
}

impl VerifyArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let answers: Vec<(String, Answer)> = self
            .answers
            .iter()
            .map(|path| read_answer(path))
            .collect::<Result<_, _>>()?;
        let reading = self.reading.read(&self.estate)?;
        let ports = self
            .ports
            .as_ref()
            .map_or(MANAGEMENT_PORTS.as_slice(), |ports| &ports.0);
        let exposures = analyse(&reading.inventory, &reading.sources, ports);
        let compared = answers.into_iter().map(|(file, answer)| Verified {
            file,
            comparison: compare(&answer, &reading.inventory, &exposures),
        });
        let verified: Vec<Verified> = compared.collect();
        match self.format {
            VerifyFormat::Console => verified.iter().try_for_each(print)?,
            VerifyFormat::Json => {
                let text = serde_json::to_string_pretty(&verified).map_err(|error| Failure(error.to_string()))?;
                writeln!(anstream::stdout(), "{text}")?;
            }
        }
        let any = |is: fn(&Comparison) -> bool| verified.iter().any(|one| is(&one.comparison));
        Ok(
            match (
                any(|one| !one.skipped.is_empty()),
                any(|one| !one.differences.is_empty()),
            ) {
                (true, _) => status::INCOMPLETE,
                (_, true) => status::FINDINGS,
                _ => status::CLEAN,
            },
        )
    }
}

fn read_answer(path: &Path) -> Result<(String, Answer), Failure> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| Failure(format!("cannot read `{name}`: {error}")))?;
    let answer = parse(&text).map_err(|why| Failure(format!("`{name}` is no answer of Azure: {why}")))?;
    Ok((name, answer))
}

fn print(verified: &Verified) -> Result<(), Failure> {
    let mut out = anstream::stdout();
    let comparison = &verified.comparison;
    let line = |text: &str| text::sentence(text, NAME_COLUMNS);
    writeln!(out, "{}", text::name(&verified.file, NAME_COLUMNS))?;
    let open = match comparison.open {
        0 => String::new(),
        open => format!(", {open} of them open in ours"),
    };
    writeln!(out, "  {} decisions compared{open}", comparison.compared)?;
    for difference in comparison.differences.iter().take(MOST_DIFFERENCES) {
        print_difference(&mut out, difference, &line)?;
    }
    if let Some(more) = comparison
        .differences
        .len()
        .checked_sub(MOST_DIFFERENCES)
        .filter(|more| *more > 0)
    {
        writeln!(out, "  ... and {more} more; `--format json` has them all")?;
    }
    for skipped in &comparison.skipped {
        writeln!(out, "  not compared: {}", line(skipped))?;
    }
    if comparison.differences.is_empty() && comparison.skipped.is_empty() {
        writeln!(out, "  no difference")?;
    }
    Ok(())
}

fn print_difference(
    out: &mut dyn Write,
    difference: &Difference,
    line: &dyn Fn(&str) -> String,
) -> Result<(), Failure> {
    let Difference {
        machine,
        target,
        group,
        port,
        sources,
        azure,
        ours,
    } = difference;
    let group = if group.is_empty() {
        String::new()
    } else {
        format!(", `{group}`")
    };
    writeln!(
        out,
        "  {}",
        line(&format!(
            "`{machine}` at `{target}`{group}, port {port} from {}",
            sources.join(", ")
        ))
    )?;
    writeln!(out, "    Azure: {}", line(&azure.join(", ")))?;
    let ours = if ours.is_empty() {
        "no rule".to_owned()
    } else {
        ours.join(", ")
    };
    writeln!(out, "    ours:  {}", line(&ours))?;
    Ok(())
}
