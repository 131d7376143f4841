//! One answer, and Azure's way to refuse: `{ "error": { "code", "message" } }`. Knows nothing of resources.

use serde_json::{Value, json};

/// What goes back to the client.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub enum Body {
    Empty,
    Json(Value),
    /// Content type and text.
    Text(&'static str, String),
}

/// A request that is not carried out.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
    pub details: Vec<Value>,
    pub headers: Vec<(&'static str, String)>,
}

pub type Reply = Result<Answer, Refusal>;

impl Answer {
    pub fn json(status: u16, body: Value) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: Body::Json(body),
        }
    }

    pub fn ok(body: Value) -> Answer {
        Answer::json(200, body)
    }

    pub fn empty(status: u16) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: Body::Empty,
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Refusal {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Refusal {
        Refusal {
            status,
            code: code.to_owned(),
            message: message.into(),
            details: Vec::new(),
            headers: Vec::new(),
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Refusal {
        self.headers.push((name, value.into()));
        self
    }

    pub fn resource_not_found(kind: &str, name: &str, group: &str) -> Refusal {
        let message = format!(
            "The Resource '{kind}/{name}' under resource group '{group}' was not found. For more details please go to \
             https://aka.ms/ARMResourceNotFoundFix"
        );
        Refusal::new(404, "ResourceNotFound", message)
    }

    pub fn group_not_found(group: &str) -> Refusal {
        let message = format!("Resource group '{group}' could not be found.");
        Refusal::new(404, "ResourceGroupNotFound", message)
    }

    pub fn subscription_not_found(subscription: &str) -> Refusal {
        let message = format!("The subscription '{subscription}' could not be found.");
        Refusal::new(404, "SubscriptionNotFound", message)
    }

    pub fn forbidden(client: &str, action: &str, scope: &str) -> Refusal {
        let message = format!(
            "The client '{client}' with object id '{client}' does not have authorization to perform action '{action}' \
             over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your \
             credentials."
        );
        Refusal::new(403, "AuthorizationFailed", message)
    }

    pub fn method_not_allowed(method: &str) -> Refusal {
        let message = format!("The requested resource does not support http method '{method}'.");
        Refusal::new(405, "HttpMethodNotAllowed", message)
    }

    pub fn bad(code: &str, message: impl Into<String>) -> Refusal {
        Refusal::new(400, code, message)
    }

    /// As the body of an error and as the `error` of an operation that failed.
    pub fn error(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let (Some(object), false) = (error.as_object_mut(), self.details.is_empty()) {
            object.insert("details".to_owned(), Value::from(self.details.clone()));
        }
        error
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Answer {
        Answer {
            status: refusal.status,
            body: Body::Json(json!({ "error": refusal.error() })),
            headers: refusal.headers,
        }
    }
}
