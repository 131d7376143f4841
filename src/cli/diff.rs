//! `portcullis diff`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::config::Config;
use super::git::Repository;
use super::judging::{Judging, JudgingArguments, Rules};
use super::output::{self, Output};
use super::sides::{Input, Sides};
use super::{Failure, excerpts, status, style};
use crate::diff::{Comparison, Ends, Origin, Side, SubjectChange, compare};
use crate::input::Library;
use crate::report::{Options, Report, Texts};
use crate::rule::waiver;
use crate::scan::scan_side;

const AFTER: &str = "\
BASE and HEAD are files or directories of any kind that `scan` reads, or one argument names git revisions: `main..HEAD`, \
`main..` against the work tree, `main...HEAD` from where the two parted. Revisions are read out of the object database; the \
work tree is not touched. One plan of Terraform in JSON is both: what was and what will be. A file with values \
(--parameters, --var-file) that lies in what is compared is read as it is on each side.

    portcullis diff main...HEAD
    portcullis diff origin/main.. --var-file infra/prod.tfvars -- infra/
    portcullis diff before/ after/ --format markdown=comment.md
    portcullis diff plan.json

Exit status: 0 nothing that --fail-on names; 1 something does; 2 wrong usage, or nothing to compare was read; 3 one side \
could not be read whole, which wins over 0 and 1.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct DiffArguments {
    /// BASE and HEAD as two paths, as one range of git revisions such as `main..HEAD`, or as one plan of Terraform
    #[arg(required = true, num_args = 1..=2, value_name = "BASE HEAD | REVISIONS | PLAN")]
    ends: Vec<String>,

    /// Of revisions, only these files and directories
    #[arg(last = true, value_name = "PATH")]
    paths: Vec<String>,

    /// The git repository [default: the one around the current directory]
    #[arg(long, value_name = "DIRECTORY")]
    repository: Option<PathBuf>,

    /// Write this format, to the standard output or to a file; may be given several times
    #[arg(long, short, value_name = "FORMAT[=FILE]", value_parser = Output::parse_diff)]
    format: Vec<Output>,

    /// What makes the exit status 1; several with commas between [default: public]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    fail_on: Vec<FailOn>,

    #[command(flatten)]
    judging: JudgingArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Something of the internet surely gets in that did not before
    Public,
    /// Something of a private network does
    Private,
    /// Something may get in that surely did not before
    Possible,
    /// A finding is new or has changed, and is not waived
    Findings,
    /// Nothing does
    None,
}

impl DiffArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let sides = self.sides()?;
        let judging = self.judging.settle(Some(&sides.start()))?;
        sides.check_values(&judging)?;
        let fail_on = self.fail_on(&judging.config)?;
        let outputs = self.outputs(&judging.config)?;
        let rules = judging.rules()?;
        let (base, head) = rayon::join(
            || self.side(&sides, &sides.base, &judging, &rules),
            || self.side(&sides, &sides.head, &judging, &rules),
        );
        let (base, head) = (base?.side, head?);
        let (head_report, library, head) = (head.report, head.library, head.side);
        if base.is_empty() && head.is_empty() && base.complete && head.complete {
            style::error("nothing to compare was read: no machine and no network security group on either side");
            return Ok(status::USAGE);
        }
        let ports = head_report.scan.ports.clone();
        let mut comparison = compare(&base, &head, &ports, &sides.ends);
        let waivers = &judging.config.waivers;
        let today = judging.today();
        comparison.waive(|change| waiver::of_rule(waivers, waiver::OPENING_RULE, &change.id, &change.name, today));
        let options = Options {
            width: output::width(),
            verbose: judging.verbose,
            sarif_max_results: judging.sarif_max_results,
            // For fixes, and for the lines of rules.
            texts: match outputs.iter().any(|output| output.is("sarif") || output.is("console")) {
                true => excerpts::of_head(library.as_deref(), &comparison, &head_report),
                false => Texts::default(),
            },
            ..Options::default()
        };
        outputs
            .iter()
            .try_for_each(|output| output.write_diff(&comparison, &head_report, &options))?;
        Ok(outcome(&comparison, &fail_on))
    }

    fn sides(&self) -> Result<Sides, Failure> {
        match self.ends.as_slice() {
            [one] if one != ".." && Path::new(one).exists() => self.paths(),
            [range] => self.revisions(range),
            _ => self.paths(),
        }
    }

    /// Two paths, or one plan.
    fn paths(&self) -> Result<Sides, Failure> {
        if let Some(absent) = self.ends.iter().find(|end| !Path::new(end).exists()) {
            return Err(Failure(format!(
                "there is no file or directory `{absent}`; two git revisions are written as one argument, `{}`",
                self.ends.join("..")
            )));
        }
        if !self.paths.is_empty() {
            return Err(Failure(
                "paths after `--` limit revisions; name the paths themselves as BASE and HEAD".to_owned(),
            ));
        }
        Sides::of_paths(&self.ends)
    }

    fn revisions(&self, range: &str) -> Result<Sides, Failure> {
        let parted = range.split_once("...").map(|(base, head)| (base, head, true));
        let Some((left, right, since_parting)) = parted.or_else(|| range.split_once("..").map(|(a, b)| (a, b, false)))
        else {
            return Err(Failure(format!(
                "`{range}` alone is nothing to compare; write `{range}..` to compare it with the work tree, \
                 `{range}..HEAD` with what is committed, or name two paths"
            )));
        };
        let repository = Repository::open(self.repository.as_deref())?;
        let left = if left.is_empty() { "HEAD" } else { left };
        let other = if right.is_empty() { "HEAD" } else { right };
        let base = match since_parting {
            true => repository.merge_base(left, other)?,
            false => repository.commit(left)?,
        };
        let head = match right {
            "" => Input::WorkTree,
            right => Input::Commit(repository.commit(right)?),
        };
        let named = match &head {
            Input::Commit(commit) => (right.to_owned(), Some(commit.clone())),
            _ => ("the work tree".to_owned(), None),
        };
        Ok(Sides {
            repository: Some(repository),
            paths: self.paths.clone(),
            base: Input::Commit(base.clone()),
            head,
            ends: Ends {
                base: (left.to_owned(), Some(base)),
                head: named,
            },
        })
    }

    fn fail_on(&self, config: &Config) -> Result<Vec<FailOn>, Failure> {
        if !self.fail_on.is_empty() {
            return Ok(self.fail_on.clone());
        }
        if config.diff.fail_on.is_empty() {
            return Ok(vec![FailOn::Public]);
        }
        let stated = config.diff.fail_on.iter().map(|text| FailOn::from_str(text, true));
        stated.collect::<Result<_, _>>().map_err(|_| {
            Failure(
                "`diff.fail_on` of the configuration: there are public, private, possible, findings, none".to_owned(),
            )
        })
    }

    fn outputs(&self, config: &Config) -> Result<Vec<Output>, Failure> {
        let stated = config.diff.format.iter().map(|text| Output::parse_diff(text));
        let outputs = match (self.format.is_empty(), config.diff.format.is_empty()) {
            (false, _) => self.format.clone(),
            (true, false) => stated
                .collect::<Result<_, _>>()
                .map_err(|why| Failure(format!("`diff.format` of the configuration: {why}")))?,
            (true, true) => vec![Output::console()],
        };
        output::check(&outputs)?;
        Ok(outputs)
    }

    fn side(&self, sides: &Sides, input: &Input, judging: &Judging, rules: &Rules) -> Result<Judged, Failure> {
        let reading = sides.read(input, judging)?;
        let library = reading.library.clone();
        let name = match input {
            Input::Path(path) | Input::Plan(path, _) => path.to_string_lossy().into_owned(),
            Input::Commit(commit) => commit.clone(),
            Input::WorkTree => ".".to_owned(),
        };
        let mut request = judging.request(judging.policies(rules), vec![name]);
        request.waivers = &judging.config.waivers;
        let (report, side) = scan_side(reading, &request);
        Ok(Judged { report, side, library })
    }
}

/// One side, judged.
struct Judged {
    report: Report,
    side: Side,
    /// Where its texts are.
    library: Option<Arc<dyn Library>>,
}

fn outcome(comparison: &Comparison, fail_on: &[FailOn]) -> u8 {
    if !comparison.is_complete() {
        return status::INCOMPLETE;
    }
    let fails = |what: &FailOn| match what {
        FailOn::Public => comparison.any(|change| change.opens(Origin::Internet)),
        FailOn::Private => comparison.any(|change| change.opens(Origin::Private)),
        FailOn::Possible => comparison.any(SubjectChange::may_open),
        FailOn::Findings => {
            let mut changed = comparison.findings.changed.iter().map(|changed| &changed.after);
            comparison.summary.new_findings > 0 || changed.any(|finding| finding.waiver.is_none())
        }
        FailOn::None => false,
    };
    match fail_on.iter().any(fails) {
        true => status::FINDINGS,
        false => status::CLEAN,
    }
}
