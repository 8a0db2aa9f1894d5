//! The command `hubplane`: the demo and the conformance hub, served.

use std::process::ExitCode;

use hubplane::App;
use hubplane::axum::Router;
use hubplane_hub_host_hubs_chat::Chat;

/// What a connection keeps is small and stays for long, what opening it needs is large and goes at once. glibc's allocator
/// lets the one pin the holes of the other: an idle connection then costs 10 KB instead of 3 KB (`loadtests idle`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    App::new()
        .hub_with(Chat::new)
        .conformance()
        .routes(page())
        .run()
}

/// The demo's page at `/`.
fn page() -> Router {
    use hubplane::axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
    use hubplane::axum::routing::get;

    const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:";
    hubplane_hub_host_hubs_chat::page()
        .iter()
        .fold(Router::new(), |router, file| {
            let answer = move || async move {
                (
                    [
                        (CONTENT_TYPE, file.content_type),
                        (CONTENT_SECURITY_POLICY, POLICY),
                    ],
                    file.body,
                )
            };
            router.route(file.path, get(answer))
        })
}
