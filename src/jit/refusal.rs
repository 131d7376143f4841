//! What the service says when it refuses, in its words, and what to do, in ours. One line in [`KNOWN`] a refusal.

/// A refusal by its code or by words of its message, in lower case.
struct Known {
    code: &'static str,
    words: &'static str,
    advice: &'static str,
}

const fn code(code: &'static str, advice: &'static str) -> Known {
    Known {
        code,
        words: "",
        advice,
    }
}

const fn words(words: &'static str, advice: &'static str) -> Known {
    Known {
        code: "",
        words,
        advice,
    }
}

/// The more particular first.
const KNOWN: &[Known] = &[
    words(
        "only one of fields 'endtimeutc' and 'duration'",
        "the service wants an end or a length, and only one; this is a defect here, please report it",
    ),
    words(
        "not a subset of policy",
        "a port, the source or the time is more than the policy grants; `portcullis jit status` shows what it grants, `portcullis jit edit` changes it",
    ),
    words(
        "not a subset of the policy",
        "a port, the source or the time is more than the policy grants; `portcullis jit status` shows what it grants, `portcullis jit edit` changes it",
    ),
    words(
        "must be in the future",
        "the end has passed by the service's clock; ask with --for, which counts from the service's time",
    ),
    code(
        "PolicyNotFound",
        "the policy was deleted or has another name; `portcullis jit status` shows where the machine is, `portcullis jit enable` puts it into one",
    ),
    words(
        "invalid location-based request",
        "the region is not named as the service does (`westus2`, not `West US 2`), or the policy lies in another one",
    ),
    code(
        "LinkedSubscriptionNotFound",
        "the machine's id is not whole or names a subscription twice; give it as `portcullis jit status --format json` shows it",
    ),
    words(
        "linked subscription",
        "the machine's id is not whole or names a subscription twice; give it as `portcullis jit status --format json` shows it",
    ),
    words(
        "internal server error",
        "the service answers so to a port without a protocol and when it fails; look whether every port of the policy has one, then try again",
    ),
    words(
        "'type'",
        "the service asks for the resource's type in some regions; try again, or write the policy once in the portal",
    ),
    code(
        "PricingTierUpgradeRequired",
        "just-in-time access is a part of Defender for Servers Plan 2; whoever pays for the subscription can enable it (`portcullis scan` names the plan of each machine)",
    ),
    words(
        "pricing",
        "just-in-time access is a part of Defender for Servers Plan 2; whoever pays for the subscription can enable it",
    ),
    code(
        "InvalidInitiateInput",
        "the request is not formed as the service wants it; `--dry-run` shows it",
    ),
    code(
        "InvalidInput",
        "the policy is not formed as the service wants it; `--dry-run` shows it",
    ),
    code(
        "AuthorizationFailed",
        "the identity lacks the action that is named; `portcullis jit permissions` tells what each task needs and prints roles",
    ),
    code(
        "LinkedAuthorizationFailed",
        "the identity may change the policy and not the machine: it needs `Microsoft.Compute/virtualMachines/write` too (`portcullis jit permissions --for configure`)",
    ),
    code(
        "InvalidAuthenticationToken",
        "sign in again: the token was refused, or is one for another cloud or tenant",
    ),
    code("ScopeLocked", "a lock forbids the change; whoever set it can lift it"),
    code(
        "RequestDisallowedByPolicy",
        "an Azure Policy forbids the change; its assignment is named in the message",
    ),
    code(
        "SubscriptionNotRegistered",
        "the resource provider `Microsoft.Security` is not registered: `az provider register --namespace Microsoft.Security`",
    ),
    code(
        "MissingSubscriptionRegistration",
        "the resource provider `Microsoft.Security` is not registered: `az provider register --namespace Microsoft.Security`",
    ),
    code(
        "SubscriptionNotFound",
        "the subscription is not one of this tenant or not shown to the identity; `az account list -o table` shows those that are",
    ),
    code(
        "ResourceGroupNotFound",
        "the resource group is gone; give the machine's id as it is now",
    ),
    code(
        "ResourceNotFound",
        "the machine is gone or was moved; give its id as it is now",
    ),
    code(
        "AnotherOperationInProgress",
        "another change is under way; try again in a minute",
    ),
    code("TooManyRequests", "the service asks to wait; try again in a minute"),
    code("RetryableError", "the service is busy; try again in a minute"),
    code(
        "ServerTimeout",
        "the service did not answer in time; look with `portcullis jit status` whether it was done",
    ),
];

/// By status, where nothing more particular is known.
const BY_STATUS: &[(u16, &str)] = &[
    (401, "sign in again: the token was refused"),
    (
        403,
        "the identity may not do this; `portcullis jit permissions` tells what it lacks",
    ),
    (404, "what is named does not exist, or the identity is not shown it"),
    (409, "something else is changing it; try again in a minute"),
    (412, "somebody else changed it meanwhile; try again"),
    (429, "the service asks to wait; try again in a minute"),
];

/// What to do about a refusal.
pub fn advice(status: u16, code: &str, message: &str) -> Option<&'static str> {
    let message = message.to_ascii_lowercase();
    let fits = |known: &&Known| {
        (!known.code.is_empty() && known.code.eq_ignore_ascii_case(code))
            || (!known.words.is_empty() && message.contains(known.words))
    };
    let known = KNOWN.iter().find(fits).map(|known| known.advice);
    let by_status = BY_STATUS.iter().find(|(known, _)| *known == status);
    let failed = (status >= 500).then_some("the service failed; try again in a minute");
    known.or_else(|| by_status.map(|(_, advice)| *advice)).or(failed)
}

/// The sentence: what was asked, what the service said, what to do.
pub fn sentence(what: &str, said: &str, advice: Option<&str>) -> String {
    match advice {
        Some(advice) => format!("{what}: the service says `{said}`; {advice}"),
        None => format!("{what}: the service says `{said}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The errors that users and recordings show.
    #[test]
    fn every_known_refusal_has_its_own_advice() {
        for (status, code, message, part) in [
            (
                400,
                "InvalidInitiateInput",
                "Only one of fields 'EndTimeUtc' and 'Duration' can be set",
                "only one",
            ),
            (
                400,
                "InvalidInitiateInput",
                "The given access request is not a subset of policy",
                "jit edit",
            ),
            (404, "PolicyNotFound", "", "jit enable"),
            (400, "BadRequest", "Invalid location-based request", "westus2"),
            (
                500,
                "InternalServerError",
                "Internal server error has occurred",
                "protocol",
            ),
            (
                404,
                "",
                "The linked subscription 'subscriptions' was not found",
                "twice",
            ),
            (400, "", "The 'type' property is required", "type"),
            (403, "AuthorizationFailed", "", "permissions"),
            (409, "", "", "again"),
            (429, "RetryableError", "", "again"),
            (503, "ServerTimeout", "", "jit status"),
            (599, "", "", "again"),
        ] {
            let advice = advice(status, code, message).unwrap_or_default();
            assert!(advice.contains(part), "{status} {code} {message}: {advice}");
        }
        assert_eq!(advice(418, "Teapot", "short and stout"), None);
    }
}
