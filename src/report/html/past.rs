//! What the pages show of a history: the trend as drawings, what is new and fixed this week, ages and times to fix, standards
//! and coverage by subscription. Plain figures for the templates; the sums are `history::statistics`'.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::words::{Word, Worded};
use crate::history::model::{KeptFinding, Past, Point, Spell, State};
use crate::history::statistics::{self, AGES, Group, days, days_before};
use crate::report::Report;
use crate::report::standards::{Standing, frameworks};
use crate::rule::Severity;

/// Points of the trend that are drawn: a quarter of a year of nights.
const DRAWN: usize = 92;
/// Entries of a list on the page.
const LISTED: usize = 40;
/// Owners and subscriptions that are shown; worst first.
const ROWS: usize = 100;
/// Runs over which the coverage of a subscription is told.
const LATEST_RUNS: usize = 30;
/// The standards that have a column of their own where the rules are mapped to them.
const COLUMNS: [&str; 4] = ["mcsb", "nist-800-53-r5", "cis-azure-2.1.0", "soc-2"];

#[derive(Serialize)]
pub struct PastView<'p> {
    now: &'p str,
    first: &'p str,
    latest: Option<&'p Point>,
    runs: usize,
    opened: usize,
    reopened: usize,
    fixed: usize,
    verdicts: Drawing<'p>,
    flow: Drawing<'p>,
    points: Vec<&'p Point>,
    lists: Vec<List<'p>>,
    ages: [&'static str; AGES.len()],
    severities: Vec<Row>,
    owners: Vec<Row>,
    owners_left: usize,
    columns: Vec<(String, String)>,
    subscriptions: Vec<SubscriptionRow>,
    subscriptions_left: usize,
}

/// A drawing in user units; texts stand beside it in the template.
#[derive(Serialize)]
struct Drawing<'p> {
    bars: Vec<Bar<'p>>,
    /// Labelled heights.
    lines: Vec<(f64, u64)>,
    /// Labelled places along the time.
    dates: Vec<(f64, &'p str)>,
    /// Points of a line over the bars, as `x,y x,y`.
    path: String,
    /// Where nothing is, for drawings with bars upwards and downwards.
    zero: f64,
}

#[derive(Serialize)]
struct Bar<'p> {
    x: f64,
    width: f64,
    point: &'p Point,
    /// Key of the colour, y and height.
    parts: Vec<(&'static str, f64, f64)>,
}

#[derive(Serialize)]
struct List<'p> {
    title: &'static str,
    empty: &'static str,
    entries: Vec<Entry<'p>>,
    left: usize,
}

#[derive(Serialize)]
struct Entry<'p> {
    severity: Word,
    finding: &'p KeptFinding,
    /// Whether the report has a page for it.
    linked: bool,
    /// Days open so far, or from opening to fix.
    days: i64,
}

#[derive(Serialize)]
struct Row {
    word: Option<Word>,
    #[serde(flatten)]
    group: Group,
    /// Percent of the open ones of the largest group, by age.
    shares: Vec<f64>,
}

#[derive(Serialize)]
struct SubscriptionRow {
    scope: String,
    name: String,
    taken: String,
    complete: bool,
    missing: Vec<String>,
    machines: u64,
    open: u64,
    high: u64,
    /// Met and all controls, by column.
    controls: Vec<(u64, u64)>,
    /// Of the latest runs those that read it whole, and all of them.
    whole: usize,
    of: usize,
}

impl<'p> PastView<'p> {
    pub fn of(past: &'p Past, report: &Report) -> Self {
        let drawn = past
            .points
            .get(past.points.len().saturating_sub(DRAWN)..)
            .unwrap_or_default();
        let week = days_before(&past.now, 7);
        let shown: HashSet<&str> = report.findings.iter().map(|finding| &*finding.fingerprint).collect();
        let (lists, [opened, reopened, fixed]) = lists(past, &week, &shown);
        let mut owners = rows(past, |finding| finding.owner.clone(), |_| None);
        let owners_left = owners.len().saturating_sub(ROWS);
        owners.truncate(ROWS);
        let columns = columns(report);
        let mut subscriptions = subscriptions(past, report, &columns);
        let subscriptions_left = subscriptions.len().saturating_sub(ROWS);
        subscriptions.truncate(ROWS);
        PastView {
            now: &past.now,
            first: past.points.first().map_or("", |point| &point.taken),
            latest: past.points.last(),
            runs: past.points.len(),
            opened,
            reopened,
            fixed,
            verdicts: verdicts(drawn),
            flow: flow(drawn),
            points: drawn.iter().rev().collect(),
            lists,
            ages: AGES.map(|(_, word)| word),
            severities: severities(past),
            owners,
            owners_left,
            columns,
            subscriptions,
            subscriptions_left,
        }
    }
}

const WIDTH: f64 = 720.0;
const LEFT: f64 = 44.0;
const HEIGHT: f64 = 180.0;

fn verdicts(points: &[Point]) -> Drawing<'_> {
    let most = points.iter().map(|point| point.machines).max().unwrap_or_default();
    let parts = |point: &Point| {
        // From the ground upwards: what is bad stands on the ground, where heights compare best.
        let counts = [
            ("unhealthy", point.unhealthy),
            ("undetermined", point.undetermined),
            ("unread", point.unread),
            ("not_applicable", point.not_applicable),
            ("healthy", point.healthy),
        ];
        let mut top = HEIGHT;
        let part = |(key, count): (&'static str, u64)| {
            let height = scaled(count, most, HEIGHT);
            top -= height;
            (key, round(top), round(height))
        };
        counts
            .into_iter()
            .map(part)
            .filter(|(.., height)| *height > 0.0)
            .collect()
    };
    drawing(points, most, HEIGHT, parts, String::new())
}

/// Open findings as a line, with what came above the ground line and what went below it.
fn flow(points: &[Point]) -> Drawing<'_> {
    let moved =
        |point: &Point| (point.opened + point.reopened).max(point.fixed + point.cleared + point.gone + point.retired);
    let most = points
        .iter()
        .map(|point| point.open)
        .chain(points.iter().map(moved))
        .max()
        .unwrap_or_default();
    let zero = HEIGHT * 0.7;
    let parts = |point: &Point| {
        let came = scaled(point.opened + point.reopened, most, zero);
        let fixed = scaled(point.fixed, most, zero);
        let other = scaled(point.cleared + point.gone + point.retired, most, zero);
        let all = [
            ("new", zero - came, came),
            ("fixed", zero, fixed),
            ("ended", zero + fixed, other),
        ];
        let rounded = all.into_iter().map(|(key, y, height)| (key, round(y), round(height)));
        rounded.filter(|(.., height)| *height > 0.0).collect()
    };
    let place = |(number, point): (usize, &Point)| {
        let (x, width) = slot(number, points.len());
        format!(
            "{},{}",
            round(x + width / 2.0),
            round(zero - scaled(point.open, most, zero))
        )
    };
    let path: Vec<String> = points.iter().enumerate().map(place).collect();
    drawing(points, most, zero, parts, path.join(" "))
}

fn drawing<'p>(
    points: &'p [Point],
    most: u64,
    zero: f64,
    mut parts: impl FnMut(&Point) -> Vec<(&'static str, f64, f64)>,
    path: String,
) -> Drawing<'p> {
    let bar = |(number, point): (usize, &'p Point)| {
        let (x, width) = slot(number, points.len());
        Bar {
            x: round(x),
            width: round(width),
            point,
            parts: parts(point),
        }
    };
    let date = |number: usize| {
        let (x, width) = slot(number, points.len());
        let taken = points
            .get(number)
            .and_then(|point| point.taken.get(..10))
            .unwrap_or_default();
        (round(x + width / 2.0), taken)
    };
    let dates = match points.len() {
        0 => Vec::new(),
        1 | 2 => vec![date(0)],
        many => vec![date(0), date(many / 2), date(many - 1)],
    };
    let steps = [most, most / 2];
    let line = |count: u64| (round(zero - scaled(count, most, zero)), count);
    Drawing {
        bars: points.iter().enumerate().map(bar).collect(),
        lines: steps.into_iter().filter(|count| *count > 0).map(line).collect(),
        dates,
        path,
        zero: round(zero),
    }
}

/// Where the bar of a number begins, and how wide it is.
fn slot(number: usize, all: usize) -> (f64, f64) {
    let step = (WIDTH - LEFT) / all.max(12) as f64;
    (LEFT + step * number as f64 + step * 0.08, step * 0.84)
}

fn scaled(count: u64, most: u64, height: f64) -> f64 {
    if most == 0 {
        0.0
    } else {
        count as f64 * height / most as f64
    }
}

/// Hundredths: more digits draw nothing.
fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn lists<'p>(past: &'p Past, week: &str, shown: &HashSet<&str>) -> (Vec<List<'p>>, [usize; 3]) {
    let last = |finding: &'p KeptFinding| finding.spells.last();
    let is_open = |finding: &&KeptFinding| finding.state == State::Open && !finding.waived && *finding.opened > *week;
    let is_fixed = |spell: &Spell| spell.ending == Some(State::Fixed) && spell.closed.as_deref() > Some(week);
    let of = |findings: Vec<&'p KeptFinding>, title, empty| {
        let count = findings.len();
        let mut entries: Vec<Entry<'p>> = findings
            .into_iter()
            .map(|finding| entry(finding, past, shown))
            .collect();
        entries.sort_by_cached_key(|entry| (std::cmp::Reverse(entry.finding.severity), entry.finding.subject.clone()));
        entries.truncate(LISTED);
        let left = count - entries.len();
        List {
            title,
            empty,
            entries,
            left,
        }
    };
    let open = past.findings.iter().filter(is_open);
    let (again, new): (Vec<_>, Vec<_>) = open.partition(|finding| finding.openings > 1);
    let fixed: Vec<_> = past
        .findings
        .iter()
        .filter(|finding| last(finding).is_some_and(is_fixed))
        .collect();
    let counts = [new.len(), again.len(), fixed.len()];
    let lists = vec![
        of(new, "New this week", "Nothing new was found."),
        of(again, "Open again this week", "Nothing came back."),
        of(fixed, "Fixed this week", "Nothing was fixed."),
    ];
    (lists, counts)
}

fn entry<'p>(finding: &'p KeptFinding, past: &Past, shown: &HashSet<&str>) -> Entry<'p> {
    Entry {
        severity: finding.severity.word(),
        linked: shown.contains(&*finding.fingerprint),
        days: days(&finding.opened, finding.closed.as_deref().unwrap_or(&past.now)),
        finding,
    }
}

fn severities(past: &Past) -> Vec<Row> {
    let word = |name: &str| Severity::parse(name).map(Worded::word);
    let mut rows = rows(past, |finding| finding.severity.as_str().to_owned(), word);
    rows.sort_by_key(|row| std::cmp::Reverse(Severity::parse(&row.group.name)));
    rows
}

fn rows(past: &Past, name: impl Fn(&KeptFinding) -> String, word: impl Fn(&str) -> Option<Word>) -> Vec<Row> {
    let groups = statistics::groups(past.findings.iter(), &past.now, name);
    let most = groups.iter().map(|group| group.open).max().unwrap_or_default();
    let row = |group: Group| Row {
        word: word(&group.name),
        shares: group
            .ages
            .iter()
            .map(|count| round(scaled(*count, most, 100.0)))
            .collect(),
        group,
    };
    groups.into_iter().map(row).collect()
}

/// Short name and title of the standards that have a column.
fn columns(report: &Report) -> Vec<(String, String)> {
    let mapped = frameworks(report, None);
    let found = |name: &&str| mapped.iter().find(|one| *one.framework == **name);
    let columns = COLUMNS.iter().filter_map(found);
    columns
        .map(|one| (one.framework.to_string(), one.title.to_string()))
        .collect()
}

fn subscriptions(past: &Past, report: &Report, columns: &[(String, String)]) -> Vec<SubscriptionRow> {
    let mut rows: BTreeMap<&str, SubscriptionRow> = BTreeMap::new();
    let recent = past.scans.iter().rev();
    let mut runs: Vec<&str> = Vec::new();
    for scan in recent {
        if runs.last() != Some(&&*scan.run) {
            runs.push(&scan.run);
        }
        for covered in &scan.coverage {
            let row = rows.entry(&covered.scope).or_insert_with(|| SubscriptionRow {
                scope: covered.scope.clone(),
                name: covered.name.clone().unwrap_or_default(),
                taken: scan.taken.clone(),
                complete: covered.complete && scan.lost.is_empty(),
                missing: covered.missing.iter().chain(&scan.lost).cloned().collect(),
                machines: 0,
                open: 0,
                high: 0,
                controls: Vec::new(),
                whole: 0,
                of: 0,
            });
            if runs.len() <= LATEST_RUNS {
                row.of += 1;
                row.whole += usize::from(covered.complete && scan.lost.is_empty());
            }
        }
    }
    count_machines(past, &mut rows);
    for row in rows.values_mut() {
        let standing: HashMap<String, (u64, u64)> = frameworks(report, Some(&row.scope))
            .into_iter()
            .map(|one| {
                (
                    one.framework.to_string(),
                    (one.count(Standing::Met), one.controls.len() as u64),
                )
            })
            .collect();
        row.controls = columns
            .iter()
            .map(|(name, _)| standing.get(name).copied().unwrap_or_default())
            .collect();
    }
    let mut rows: Vec<SubscriptionRow> = rows.into_values().collect();
    rows.sort_by_cached_key(|row| (row.complete, std::cmp::Reverse((row.high, row.open)), row.name.clone()));
    rows
}

fn count_machines(past: &Past, rows: &mut BTreeMap<&str, SubscriptionRow>) {
    for machine in past.machines.iter().filter(|machine| machine.gone.is_none()) {
        if let Some(row) = rows.get_mut(&*machine.scope) {
            row.machines += 1;
        }
    }
    let open = past
        .findings
        .iter()
        .filter(|finding| finding.state == State::Open && !finding.waived);
    for finding in open {
        if let Some(row) = rows.get_mut(&*finding.scope) {
            row.open += 1;
            row.high += u64::from(finding.severity >= Severity::High);
        }
    }
}
