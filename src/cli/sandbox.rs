//! `portcullis sandbox`.

use std::fmt::Write as _;
use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::place::store;
use super::{Failure, status};
use crate::sandbox::{FAULTS, Fault, Options, Record, Sandbox, Store};

#[derive(Debug, Args)]
#[command(after_help = fault_help())]
pub struct SandboxArguments {
    /// The estate to serve: a snapshot, or what `az ... list -o json` or Resource Graph printed; files or directories
    #[arg(long, required = true, value_name = "PATH")]
    from: Vec<PathBuf>,

    /// The address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS:PORT")]
    listen: String,

    /// Serve HTTPS, which the credentials of Azure's SDKs insist on
    #[arg(long)]
    tls: bool,

    /// Where to write the certificate that clients must trust
    #[arg(long, value_name = "FILE", default_value = "sandbox-ca.pem", requires = "tls")]
    certificate: PathBuf,

    /// Another name for the certificate, under which clients reach this machine; may be given several times
    #[arg(long, value_name = "NAME", requires = "tls")]
    tls_name: Vec<String>,

    /// Misbehave: see below; may be given several times
    #[arg(long, value_name = "SPEC", value_parser = fault)]
    fault: Vec<Fault>,

    /// Wait so long before each answer
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,

    /// Rows of a page of a list; Resource Graph has up to 1000
    #[arg(long, value_name = "ROWS", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    page_size: u16,

    /// Enforce the documented rate limits of Azure Resource Manager and Resource Graph
    #[arg(long)]
    limits: bool,

    /// A role of the identity in the whole tenant, by name or id, such as `Reader` or `Security Admin`; may be given
    /// several times. It has the role Owner where neither this nor the recording says another
    #[arg(long, value_name = "ROLE")]
    role: Vec<String>,

    /// Short for `--role Reader`: writes and actions are refused
    #[arg(long)]
    reader: bool,

    /// What the clock shows at the start: `now`, `recorded` (when the estate was recorded) or a time
    #[arg(long, value_name = "TIME", default_value = "now")]
    clock: String,

    /// Print each call and its status
    #[arg(long, short)]
    verbose: bool,
}

fn fault(text: &str) -> Result<Fault, String> {
    text.parse()
}

fn fault_help() -> String {
    let mut help = "Faults: KIND[:SETTING=VALUE][@SELECTOR][,SELECTOR]...\n\n".to_owned();
    for kind in FAULTS {
        let _ = writeln!(help, "  {:<14} {}", kind.name, kind.summary);
    }
    help.push_str(
        "\nSelectors: a number (the call of that number, counted from 1, tokens too), path=TEXT, type=TYPE,\n\
         subscription=ID, method=METHOD, times=N|always. A fault meets one call, 403 meets every one.\n\
         Examples: throttle@3   throttle:retry-after=2@type=networkInterfaces   403@subscription=ID   500@2,times=5",
    );
    help
}

impl SandboxArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let store = store(&self.from)?;
        let (resources, subscriptions) = (store.len(), store.subscriptions.len());
        let options = self.options(&store)?;
        let identity = options.identity.clone();
        let first = store.subscriptions.values().next().map(|found| found.id.clone());
        let tenant = store.tenant.clone();
        let sandbox = Sandbox::start(store, options)
            .map_err(|error| Failure(format!("cannot start on `{}`: {error}", self.listen)))?;
        if let Some(certificate) = &sandbox.certificate {
            write_certificate(&self.certificate, certificate)?;
        }
        if !sandbox.address.ip().is_loopback() {
            super::style::warning("other machines can reach the sandbox; its credentials are no secret");
        }
        let mut out = anstream::stdout();
        writeln!(
            out,
            "A local Azure with {resources} resources in {subscriptions} subscriptions at {}\n",
            sandbox.origin
        )?;
        let certificate = std::path::absolute(&self.certificate).unwrap_or_else(|_| self.certificate.clone());
        let guide = Guide {
            origin: &sandbox.origin,
            tenant: &tenant,
            client: &identity.client,
            secret: &identity.secret,
            header: &identity.header,
            certificate: sandbox.certificate.as_ref().map(|_| certificate.as_path()),
            subscription: first.as_deref().unwrap_or_default(),
        };
        write!(out, "{}", guide.text())?;
        out.flush()?;
        sandbox
            .wait()
            .map_err(|error| Failure(format!("cannot wait for Ctrl-C: {error}")))?;
        writeln!(out, "\nStopped after {} calls.", sandbox.calls())?;
        Ok(status::CLEAN)
    }

    fn options(&self, store: &Store) -> Result<Options, Failure> {
        let verbose = self.verbose.then(|| {
            Arc::new(|record: &Record| {
                let _ = writeln!(
                    anstream::stderr(),
                    "{:>5} {} {} {}{}",
                    record.number,
                    record.status,
                    record.method,
                    crate::report::text::line(&record.path),
                    record
                        .delivery
                        .as_deref()
                        .map(|how| format!(" ({how})"))
                        .unwrap_or_default(),
                );
            }) as crate::sandbox::Watch
        });
        Ok(Options {
            listen: self.address()?,
            tls: self.tls,
            tls_names: self.tls_name.clone(),
            faults: self.fault.clone(),
            latency: Duration::from_millis(self.latency),
            page_size: usize::from(self.page_size),
            limits: self.limits,
            roles: self.roles(),
            start: self.start(store)?,
            watch: verbose,
            ..Options::default()
        })
    }

    fn roles(&self) -> Vec<String> {
        let reader = self.reader.then(|| "Reader".to_owned());
        self.role.iter().cloned().chain(reader).collect()
    }

    fn address(&self) -> Result<SocketAddr, Failure> {
        let resolved = self.listen.to_socket_addrs().ok().and_then(|mut found| found.next());
        resolved.ok_or_else(|| {
            Failure(format!(
                "--listen: `{}` is no address; write it as `127.0.0.1:8080`",
                self.listen
            ))
        })
    }

    fn start(&self, store: &Store) -> Result<Option<Timestamp>, Failure> {
        match self.clock.as_str() {
            "now" => Ok(None),
            "recorded" => store.recorded.map(Some).ok_or_else(|| {
                Failure("--clock: the estate does not say when it was recorded; give a time".to_owned())
            }),
            text => text.parse().map(Some).map_err(|_| {
                Failure(format!(
                    "--clock: `{text}` is no time; write it as `2026-01-31T12:00:00Z`, `now` or `recorded`"
                ))
            }),
        }
    }
}

fn write_certificate(path: &Path, certificate: &str) -> Result<(), Failure> {
    std::fs::write(path, certificate).map_err(|error| {
        Failure(format!(
            "cannot write the certificate to `{}`: {error}; name another file with --certificate",
            path.display()
        ))
    })
}

/// How to use the sandbox that was started. The secret is the sandbox's own and opens nothing else.
struct Guide<'g> {
    origin: &'g str,
    tenant: &'g str,
    client: &'g str,
    secret: &'g str,
    header: &'g str,
    certificate: Option<&'g Path>,
    subscription: &'g str,
}

impl Guide<'_> {
    fn text(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "In another shell:\n");
        for (name, value) in self.variables() {
            let _ = writeln!(text, "  export {name}={value}");
        }
        let trust = self
            .certificate
            .map(|path| format!(" --ca-file {}", path.display()))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "\n  portcullis scan --all-subscriptions --endpoint {}{trust}",
            self.origin
        );
        let trust = self
            .certificate
            .map(|path| format!(" --cacert {}", path.display()))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "\n  token=$(curl -s{trust} {}/{}/oauth2/v2.0/token -d grant_type=client_credentials \\\n    \
             -d client_id={} -d client_secret={} \\\n    \
             -d scope=https://management.azure.com/.default | sed 's/.*\"access_token\":\"\\([^\"]*\\).*/\\1/')\n  \
             curl -s{trust} -H \"Authorization: Bearer $token\" \\\n    \
             '{}/subscriptions/{}/resourceGroups?api-version=2022-12-01'",
            self.origin, self.tenant, self.client, self.secret, self.origin, self.subscription
        );
        if self.certificate.is_none() {
            text.push_str("\nCredentials of Azure's SDKs sign in over HTTPS only: add --tls, or use the managed identity above.\n");
        }
        let _ = writeln!(
            text,
            "\nThe clock, faults and calls: {}/_sandbox/status\nCtrl-C ends it; what was written to it is gone then.",
            self.origin
        );
        text
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("AZURE_TENANT_ID", self.tenant.to_owned()),
            ("AZURE_CLIENT_ID", self.client.to_owned()),
            ("AZURE_CLIENT_SECRET", self.secret.to_owned()),
            ("IDENTITY_ENDPOINT", format!("{}/msi/token", self.origin)),
            ("IDENTITY_HEADER", self.header.to_owned()),
        ];
        if let Some(path) = self.certificate {
            variables.push(("AZURE_AUTHORITY_HOST", self.origin.to_owned()));
            variables.push(("SSL_CERT_FILE", path.display().to_string()));
        }
        variables
    }
}
