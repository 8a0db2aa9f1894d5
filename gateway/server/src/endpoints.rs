//! Which path is what.

use std::collections::HashMap;

use hubplane_proto_ids::HubName;

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `/hubs/{hub}`, or the path that is configured for it.
    Hub(HubName),
    /// The same with `/negotiate`.
    Negotiate(HubName),
}

/// The paths of the hubs. Paths match in any letter case, with or without a final slash (reference signalr-core 2).
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    /// By path in lower case, without a final slash.
    paths: HashMap<String, HubName>,
}

impl Endpoints {
    /// Adds `/hubs/{name}`, and `further` paths such as `/chatHub`.
    pub(crate) fn add<'a>(&mut self, hub: &HubName, further: impl IntoIterator<Item = &'a str>) {
        self.paths.insert(
            format!("/hubs/{}", hub.as_str().to_lowercase()),
            hub.clone(),
        );
        for path in further {
            self.paths.insert(normal(path), hub.clone());
        }
    }

    /// What a request path is, `None` if it is no hub's.
    pub(crate) fn find(&self, path: &str) -> Option<Endpoint> {
        let decoded = percent_encoding::percent_decode_str(path)
            .decode_utf8()
            .ok()?;
        let path = normal(&decoded);
        if let Some(hub) = self.paths.get(&path) {
            return Some(Endpoint::Hub(hub.clone()));
        }
        let hub = self.paths.get(path.strip_suffix("/negotiate")?)?;
        Some(Endpoint::Negotiate(hub.clone()))
    }
}

fn normal(path: &str) -> String {
    path.strip_suffix('/').unwrap_or(path).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints() -> (Endpoints, HubName) {
        let hub: HubName = "Chat".parse().unwrap();
        let mut endpoints = Endpoints::default();
        endpoints.add(&hub, ["/chatHub"]);
        (endpoints, hub)
    }

    #[test]
    fn paths_match_in_any_case_with_and_without_a_final_slash() {
        let (endpoints, hub) = endpoints();
        for path in ["/hubs/chat", "/HUBS/Chat/", "/chathub", "/hubs/c%68at"] {
            assert_eq!(
                endpoints.find(path),
                Some(Endpoint::Hub(hub.clone())),
                "{path}"
            );
        }
        for path in ["/hubs/chat/negotiate", "/chatHub/Negotiate/"] {
            assert_eq!(
                endpoints.find(path),
                Some(Endpoint::Negotiate(hub.clone())),
                "{path}"
            );
        }
    }

    #[test]
    fn other_paths_are_no_hubs() {
        let (endpoints, _) = endpoints();
        for path in [
            "/",
            "/hubs",
            "/hubs/other",
            "/hubs/chat/x",
            "/negotiate",
            "/hubs/chat//",
            "/hubs/%ff",
        ] {
            assert_eq!(endpoints.find(path), None, "{path}");
        }
    }
}
