//! The page that people talk through: plain files, served as they are.

use std::fmt;

/// One file of the page.
#[derive(Clone, Copy)]
pub struct Asset {
    /// Where it is served, from the root of the page; `/` is the page itself.
    pub path: &'static str,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// What is served.
    pub body: &'static [u8],
}

impl fmt::Debug for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asset")
            .field("path", &self.path)
            .field("content_type", &self.content_type)
            .field("len_bytes", &self.body.len())
            .finish()
    }
}

/// Every file of the page. It looks for the hub at `hubs/chat`, relative to where it is served, and needs nothing
/// from anywhere else: its own `Content-Security-Policy` forbids it.
pub fn page() -> &'static [Asset] {
    &PAGE
}

static PAGE: [Asset; 4] = [
    Asset {
        path: "/",
        content_type: "text/html; charset=utf-8",
        body: include_bytes!("../page/index.html"),
    },
    Asset {
        path: "/style.css",
        content_type: "text/css; charset=utf-8",
        body: include_bytes!("../page/style.css"),
    },
    Asset {
        path: "/chat.js",
        content_type: "text/javascript; charset=utf-8",
        body: include_bytes!("../page/chat.js"),
    },
    Asset {
        path: "/hubplane.js",
        content_type: "text/javascript; charset=utf-8",
        body: include_bytes!("../page/hubplane.js"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn body(path: &str) -> &'static str {
        let asset = page().iter().find(|asset| asset.path == path).expect(path);
        std::str::from_utf8(asset.body).unwrap()
    }

    #[test]
    fn everything_the_page_names_is_served_beside_it() {
        for (file, before) in [
            ("/", "src=\""),
            ("/", "rel=\"stylesheet\" href=\""),
            ("/chat.js", "from \"./"),
        ] {
            let named = body(file).split(before).skip(1);
            for name in named.map(|rest| rest.split('"').next().unwrap()) {
                assert!(body(&format!("/{name}")).len() > 100, "{name} of {file}");
            }
        }
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere_and_makes_no_markup_of_what_people_write() {
        for asset in page() {
            let text = body(asset.path);
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
            ] {
                assert!(!text.contains(forbidden), "{forbidden} in {}", asset.path);
            }
            for forbidden in [
                "src=\"http",
                "href=\"http",
                "@import",
                "from \"http",
                "url(http",
            ] {
                assert!(!text.contains(forbidden), "{forbidden} in {}", asset.path);
            }
        }
        assert!(body("/").contains("default-src 'none'"));
        assert!(!body("/").contains("style=\"") && !body("/").contains("onclick"));
    }
}
