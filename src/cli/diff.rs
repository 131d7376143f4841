//! `portcullis diff`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::config::Config;
use super::files;
use super::git::Repository;
use super::judging::{Judging, JudgingArguments, Rules};
use super::library::Shelf;
use super::output::{self, Output};
use super::reading::read_file;
use super::{Failure, status, style};
use crate::diff::{Comparison, Ends, Side, compare};
use crate::input::{Given, Reading};
use crate::report::{Options, Report};
use crate::scan::scan_side;
use crate::source::Diagnostic;

const AFTER: &str = "\
BASE and HEAD are files or directories of any kind that `scan` reads, or one argument names git revisions: `main..HEAD`, \
`main..` against the work tree, `main...HEAD` from where the two parted. Revisions are read out of the object database; the \
work tree is not touched.

    portcullis diff main...HEAD
    portcullis diff origin/main.. -- infra/
    portcullis diff before/ after/ --format markdown=comment.md

Exit status: 0 nothing that --fail-on names; 1 something does; 2 wrong usage, or nothing to compare was read; 3 one side \
could not be read whole, which wins over 0 and 1.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct DiffArguments {
    /// BASE and HEAD as two paths, or as one range of git revisions such as `main..HEAD`
    #[arg(required = true, num_args = 1..=2, value_name = "BASE HEAD | REVISIONS")]
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

/// One side as the user named it.
enum Input {
    Path(PathBuf),
    Commit(String),
    WorkTree,
}

/// Both sides, understood.
struct Inputs {
    repository: Option<Repository>,
    base: Input,
    head: Input,
    ends: Ends,
}

impl DiffArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let inputs = self.inputs()?;
        let judging = self.judging.settle(Some(&self.start(&inputs)))?;
        let fail_on = self.fail_on(&judging.config)?;
        let outputs = self.outputs(&judging.config)?;
        let rules = judging.rules()?;
        let (base, head) = rayon::join(
            || self.side(&inputs, &inputs.base, &judging, &rules),
            || self.side(&inputs, &inputs.head, &judging, &rules),
        );
        let ((_, base), (head_report, head)) = (base?, head?);
        if base.is_empty() && head.is_empty() && base.complete && head.complete {
            style::error("nothing to compare was read: no machine and no network security group on either side");
            return Ok(status::USAGE);
        }
        let ports = head_report.scan.ports.clone();
        let comparison = compare(&base, &head, &ports, &inputs.ends);
        let options = Options {
            width: output::width(),
            verbose: judging.verbose,
            sarif_max_results: judging.sarif_max_results,
            ..Options::default()
        };
        outputs
            .iter()
            .try_for_each(|output| output.write_diff(&comparison, &head_report, &options))?;
        Ok(outcome(&comparison, &fail_on))
    }

    fn inputs(&self) -> Result<Inputs, Failure> {
        match self.ends.as_slice() {
            [range] => self.revisions(range),
            [base, head] => self.two_paths(base, head),
            _ => Err(Failure(
                "name BASE and HEAD, or one range such as `main..HEAD`".to_owned(),
            )),
        }
    }

    fn two_paths(&self, base: &str, head: &str) -> Result<Inputs, Failure> {
        for end in [base, head] {
            if !Path::new(end).exists() {
                return Err(Failure(format!(
                    "there is no file or directory `{end}`; two git revisions are written as one argument, `{base}..{head}`"
                )));
            }
        }
        if !self.paths.is_empty() {
            return Err(Failure(
                "paths after `--` limit revisions; name the paths themselves as BASE and HEAD".to_owned(),
            ));
        }
        Ok(Inputs {
            repository: None,
            base: Input::Path(PathBuf::from(base)),
            head: Input::Path(PathBuf::from(head)),
            ends: Ends {
                base: (base.to_owned(), None),
                head: (head.to_owned(), None),
            },
        })
    }

    fn revisions(&self, range: &str) -> Result<Inputs, Failure> {
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
        Ok(Inputs {
            repository: Some(repository),
            base: Input::Commit(base.clone()),
            head,
            ends: Ends {
                base: (left.to_owned(), Some(base)),
                head: named,
            },
        })
    }

    /// From where the configuration is looked for.
    fn start(&self, inputs: &Inputs) -> PathBuf {
        match (&inputs.head, &inputs.repository) {
            (Input::Path(path), _) => path.clone(),
            (_, Some(repository)) => match self.paths.first() {
                Some(path) if Path::new(path).exists() => PathBuf::from(path),
                _ => repository.root.clone(),
            },
            _ => PathBuf::from("."),
        }
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

    fn side(
        &self,
        inputs: &Inputs,
        input: &Input,
        judging: &Judging,
        rules: &Rules,
    ) -> Result<(Report, Side), Failure> {
        let values = judging.values()?;
        let mut reading = values.begin();
        let name = match (input, &inputs.repository) {
            (Input::Path(path), _) => {
                read_path(&mut reading, path)?;
                path.to_string_lossy().into_owned()
            }
            (Input::Commit(commit), Some(repository)) => {
                self.read_commit(&mut reading, repository, commit)?;
                commit.clone()
            }
            (_, Some(repository)) => {
                self.read_work_tree(&mut reading, repository)?;
                ".".to_owned()
            }
            (_, None) => return Err(Failure("there is no repository to read from".to_owned())),
        };
        for file in judging.service_tag_files()? {
            read_file(&mut reading, &file);
        }
        values.finish(&mut reading);
        judging.choose(&mut reading)?;
        let mut request = judging.request(judging.policies(rules), vec![name]);
        request.waivers = &judging.config.waivers;
        Ok(scan_side(reading, &request))
    }

    fn read_commit(&self, reading: &mut Reading, repository: &Repository, commit: &str) -> Result<(), Failure> {
        let tree = repository.tree(commit, &self.paths)?;
        reading.library = Some(Arc::new(Shelf::of_commit(repository, &tree)));
        for submodule in &tree.submodules {
            let message = format!("`{submodule}` is a repository of its own; what it holds is not read");
            reading.diagnostics.push(Diagnostic::warning("submodule", message));
        }
        repository.read(&tree.blobs, |blob, text| reading.read(&blob.path, Given::Found, text))
    }

    fn read_work_tree(&self, reading: &mut Reading, repository: &Repository) -> Result<(), Failure> {
        let names = repository.work_tree(&self.paths)?;
        reading.library = Some(Arc::new(Shelf::of_names(&repository.root, &names)));
        for name in names {
            let path = repository.root.join(&name);
            // What was deleted is listed too, and a link leads elsewhere.
            let is_file = std::fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
            if !is_file {
                continue;
            }
            match File::open(&path) {
                Ok(file) => reading.read(&name, Given::Found, file),
                Err(error) => {
                    let message = format!("`{name}` cannot be opened: {error}");
                    reading.lose(Diagnostic::error("unreadable", message));
                }
            }
        }
        Ok(())
    }
}

fn read_path(reading: &mut Reading, path: &Path) -> Result<(), Failure> {
    let is_empty = path.is_dir() && std::fs::read_dir(path)?.next().is_none();
    if is_empty {
        return Ok(());
    }
    let files = files::collect(&[path.to_path_buf()])?;
    reading.library = Some(Arc::new(Shelf::of_files(&files)));
    files.iter().for_each(|file| read_file(reading, file));
    Ok(())
}

fn outcome(comparison: &Comparison, fail_on: &[FailOn]) -> u8 {
    if !comparison.is_complete() {
        return status::INCOMPLETE;
    }
    let summary = &comparison.summary;
    let fails = |what: &FailOn| match what {
        FailOn::Public => summary.opened > 0,
        FailOn::Private => summary.opened_private > 0,
        FailOn::Possible => summary.newly_possible > 0,
        FailOn::Findings => {
            let mut changed = comparison.findings.changed.iter().map(|changed| &changed.after);
            summary.new_findings > 0 || changed.any(|finding| finding.waiver.is_none())
        }
        FailOn::None => false,
    };
    match fail_on.iter().any(fails) {
        true => status::FINDINGS,
        false => status::CLEAN,
    }
}
