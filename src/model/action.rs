//! Actions as roles name them, such as `Microsoft.Network/*/read`.

/// Whether a pattern with `*` for anything names an action, without case.
pub fn names_action(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = action.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_actions_as_azure_does() {
        let action = "Microsoft.Network/networkSecurityGroups/read";
        for yes in [
            "*",
            "*/read",
            "Microsoft.Network/*",
            "microsoft.network/*/read",
            "Microsoft.Network/networkSecurityGroups/read",
        ] {
            assert!(names_action(yes, action), "{yes}");
        }
        for no in [
            "*/write",
            "Microsoft.Compute/*",
            "Microsoft.Network/networkSecurityGroups",
            "read",
            "",
        ] {
            assert!(!names_action(no, action), "{no}");
        }
    }
}
