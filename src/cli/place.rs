//! Where plans are carried out: Azure, or a sandbox that serves a recording. The same code speaks to both over HTTP.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::live::{ConnectionArguments, say_missing};
use super::{Failure, files, style};
use crate::azure::cloud::Cloud;
use crate::azure::collect::{Source, Which};
use crate::azure::patience::Patience;
use crate::azure::wire::Wire;
use crate::azure::{Connection, Recorded, Request, Unread, credential, record};
use crate::input::Given;
use crate::model::ResourceId;
use crate::remedy::apply::fits;
use crate::remedy::journal::Direction;
use crate::remedy::needs::{self, Need};
use crate::remedy::wire::Remote;
use crate::remedy::{Clock, Documents, Plan, Service, hindrance};
use crate::sandbox::{Identity, Options, Sandbox, Store, load};

/// A place that can be changed.
pub(super) struct Place {
    connection: Connection,
    service: Remote<Wire>,
    sandbox: Option<Sandbox>,
    /// The endpoint of Resource Manager, or that it is a rehearsal; as the journal names it.
    pub name: String,
    /// How the identity signed in, and who it is.
    pub signed_in: String,
    /// The first pause before something is asked again.
    pub pause: Duration,
    /// When the estate of a rehearsal was recorded.
    pub recorded: Option<Timestamp>,
}

impl Place {
    /// Azure, or whatever `--endpoint` names.
    pub fn live(arguments: &ConnectionArguments) -> Result<Place, Failure> {
        Place::open(arguments.connection()?, None, None)
    }

    /// A sandbox in this program that serves recorded estates.
    pub fn rehearsal(paths: &[PathBuf]) -> Result<Place, Failure> {
        let store = store(paths)?;
        let (tenant, recorded) = (store.tenant.clone(), store.recorded);
        let options = Options {
            start: recorded,
            ..Options::default()
        };
        let identity = options.identity.clone();
        let sandbox = Sandbox::start(store, options)
            .map_err(|error| Failure(format!("the sandbox for the rehearsal cannot listen: {error}")))?;
        let connection = rehearsing(&sandbox, tenant, identity)?;
        Place::open(connection, Some(sandbox), recorded)
    }

    fn open(connection: Connection, sandbox: Option<Sandbox>, recorded: Option<Timestamp>) -> Result<Place, Failure> {
        let wire = Wire::open(&connection).map_err(said)?;
        let signed_in = wire.sign_in().map_err(said)?;
        let name = match &sandbox {
            Some(_) => "a rehearsal".to_owned(),
            None => connection.cloud.arm.to_string(),
        };
        Ok(Place {
            name,
            pause: connection.patience.first_pause,
            connection,
            service: Remote(wire),
            sandbox,
            signed_in,
            recorded,
        })
    }

    pub fn service(&self) -> &dyn Service {
        &self.service
    }

    /// Whether the plan can be carried out here: its tenant, its subscriptions, the permissions for its steps, and the locks
    /// that are set by now.
    pub fn check(&self, plan: &Plan, direction: Direction) -> Result<(), Failure> {
        for id in &plan.subscriptions {
            let why = |why: String| Failure(format!("subscription `{id}` of the plan: {why}"));
            let subscription = self.service.0.subscription(id).map_err(why)?;
            if let Some(state) = subscription
                .state
                .filter(|state| !state.eq_ignore_ascii_case("Enabled"))
            {
                return Err(why(format!("it is `{state}`, so Azure takes no changes there")));
            }
            fits(plan, &self.service).map_err(Failure)?;
        }
        let needs = needs::of(plan, direction);
        self.check_rights(&needs)?;
        let mut guards = Documents::default();
        self.guard(&mut guards, &plan.subscriptions);
        match hindrance::of_needs(&guards, &needs) {
            None => Ok(()),
            Some((owner, reason)) => Err(Failure(format!("{reason} ({owner})"))),
        }
    }

    fn check_rights(&self, needs: &[Need]) -> Result<(), Failure> {
        let (lacking, untold) = self.lacking(needs);
        untold.iter().for_each(|text| style::warning(text));
        match lacking.is_empty() {
            true => Ok(()),
            false => Err(Failure(format!(
                "nothing was changed: {}; `portcullis permissions --for remediate` prints the role",
                lacking.join("; ")
            ))),
        }
    }

    /// What the identity lacks for the steps, and where that cannot be told, in sentences.
    pub fn lacking(&self, needs: &[Need]) -> (Vec<String>, Vec<String>) {
        let lacking = self.service.0.lacking(needs);
        let name = |scope: &str| ResourceId::new(scope).resource_group().to_owned();
        let lacks = lacking.actions.iter().map(|(scope, actions)| {
            format!(
                "the identity lacks {} in resource group `{}`",
                actions.join(", "),
                name(scope)
            )
        });
        let untold = lacking.untold.iter().map(|(scope, why)| {
            format!(
                "what the identity may do in resource group `{}` cannot be told: {why}",
                name(scope)
            )
        });
        (lacks.collect(), untold.collect())
    }

    /// Adds what stands against changes there: locks, deny assignments, policies that write. Says what could not be read.
    pub fn guard(&self, documents: &mut Documents, subscriptions: &[String]) {
        for id in subscriptions {
            let (guards, unread) = self.service.0.guards(id);
            for guard in guards {
                if let Some(id) = guard.get("id").and_then(serde_json::Value::as_str) {
                    documents.put(&ResourceId::new(id), guard.clone());
                }
            }
            for text in unread {
                style::warning(&text);
            }
        }
    }

    /// The estate as it is now; says what could not be read.
    pub fn estate(&self, subscriptions: &[String]) -> Result<Documents, Failure> {
        let which = Which {
            all: subscriptions.is_empty(),
            listed: subscriptions.to_vec(),
            ..Which::default()
        };
        let request = Request {
            which,
            source: Source::Auto,
        };
        let recorded = record(&self.connection, &request).map_err(said)?;
        say_missing(&recorded);
        taken(recorded)
    }

    /// The estate of a rehearsal as it is now, as a snapshot.
    pub fn snapshot(&self) -> Option<Vec<u8>> {
        let sandbox = self.sandbox.as_ref()?;
        let state = sandbox.state();
        let bodies = state.store.all().map(|resource| resource.body.clone()).collect();
        Some(Documents::of(bodies).snapshot(&state.now().to_string()))
    }
}

impl Clock for Place {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// A rehearsal waits for nobody: the sandbox's clock is set ahead.
    fn wait(&self, duration: Duration) {
        match &self.sandbox {
            Some(sandbox) => sandbox.advance(SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)),
            None => std::thread::sleep(duration),
        }
    }
}

fn said(unread: Unread) -> Failure {
    Failure(unread.0)
}

/// What was recorded, taken apart.
pub(super) fn taken(recorded: Recorded) -> Result<Documents, Failure> {
    let mut documents = Documents::default();
    let read = documents.read("azure", Given::Named, recorded.recording.text());
    read.map_err(|error| Failure(format!("what was recorded cannot be read back: {error}")))?;
    Ok(documents)
}

fn rehearsing(sandbox: &Sandbox, tenant: String, identity: Identity) -> Result<Connection, Failure> {
    let pairs = [
        ("AZURE_TENANT_ID", tenant),
        ("AZURE_CLIENT_ID", identity.client),
        ("AZURE_CLIENT_SECRET", identity.secret),
    ];
    Ok(Connection {
        cloud: Cloud::custom(&sandbox.origin, None, None).map_err(Failure)?,
        kinds: credential::asked(Some("secret")).map_err(Failure)?,
        environment: Arc::new(move |name| {
            pairs
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.clone())
        }),
        managed_identity: None,
        certificates: None,
        patience: Patience::default(),
    })
}

/// The estate that a sandbox serves.
pub(super) fn store(paths: &[PathBuf]) -> Result<Store, Failure> {
    let mut store = Store::default();
    for file in files::collect(paths)? {
        let name = file.name();
        let is_prose = name.to_ascii_lowercase().ends_with(".md");
        if is_prose && file.given == Given::Found {
            continue;
        }
        let text = File::open(&file.path).map_err(|error| Failure(format!("cannot read `{name}`: {error}")))?;
        load(&mut store, &name, text).map_err(|error| Failure(error.to_string()))?;
    }
    store.settle();
    if store.is_empty() {
        let message = "the files hold no resources; give a snapshot or `az ... list -o json` output";
        return Err(Failure(message.to_owned()));
    }
    Ok(store)
}
