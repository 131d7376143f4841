//! What `scan`, `diff`, `trace` and `verify-effective` have in common: how an estate is read. Whoever gives two of them the
//! same flags asks about the same estate.

use std::path::PathBuf;

use clap::Args;

use super::judging::JudgingArguments;
use super::progress::Progress;
use super::reading::read_with;
use super::{Failure, files};
use crate::input::{Limits, Reading};
use crate::model::Choices;

#[derive(Clone, Debug, Default, Args)]
pub struct ReadingArguments {
    /// Values for the parameters of templates, before those of `X.parameters.json` beside `X.json`; may be given
    /// several times, and the last wins
    #[arg(long, value_name = "FILE")]
    pub parameters: Vec<PathBuf>,

    /// The value of a Terraform variable, or of `terraform.workspace`; may be given several times, and the last wins
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    pub var: Vec<(String, String)>,

    /// Values of Terraform variables, after the files that Terraform reads by itself and before `--var`; may be given
    /// several times, and the last wins
    #[arg(long, value_name = "FILE")]
    pub var_file: Vec<PathBuf>,

    /// Templates are all there is: what they do not declare does not exist
    #[arg(long)]
    pub assume_complete: bool,

    /// The addresses of service tags: Microsoft's weekly `ServiceTags_Public` file, or the answer of
    /// `az network list-service-tags`; may be given several times
    #[arg(long, value_name = "FILE")]
    pub service_tags: Vec<PathBuf>,

    /// Choose a reading of what no input settles, such as `jit=unknown` when just-in-time policies may exist that were
    /// not given; reports name those in force
    #[arg(long, value_name = "NAME=VALUE", value_parser = assumption)]
    pub assume: Vec<String>,

    /// Set a bound of the work that a document may cause, such as `template-steps=10000000`; may be given several times
    /// (an unknown name is answered with those that there are)
    #[arg(long, value_name = "NAME=NUMBER", value_parser = limit)]
    pub limit: Vec<String>,
}

impl ReadingArguments {
    /// Reads an estate as `scan` does, with the configuration that is found beside it.
    pub fn read(&self, paths: &[PathBuf]) -> Result<Reading, Failure> {
        let arguments = JudgingArguments {
            reading: self.clone(),
            ..JudgingArguments::default()
        };
        let judging = arguments.settle(paths.first().map(PathBuf::as_path))?;
        let mut files = files::collect(paths)?;
        files.extend(judging.service_tag_files()?);
        let progress = Progress::new(files.iter().map(|file| file.bytes).sum());
        let mut reading = read_with(None, &files, &judging.values()?, &progress);
        progress.finish();
        judging.choose(&mut reading)?;
        Ok(reading)
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("write it as `NAME=VALUE`".to_owned()),
    }
}

fn assumption(text: &str) -> Result<String, String> {
    Choices::default().choose(text).map(|()| text.to_owned())
}

fn limit(text: &str) -> Result<String, String> {
    Limits::default().choose(text).map(|()| text.to_owned())
}
