use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use axum::Router;
use clap::Parser as _;
use futures_util::future::BoxFuture;
use hubplane_hub::host::{Options, Service};
use hubplane_hub::{Declarations, Filters, Hub, HubContext};
use hubplane_hub_host_hubs_conformance::Conformance;
use hubplane_node::config::{Config, ConfigError, Sources};
use hubplane_node::telemetry::init_logging;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cli::{Args, Command, ConfigCommand};
use crate::conformance::TestApplications;
use crate::dev::{self, Program};
use crate::token::Wanted;

/// The exit code of a command whose configuration is wrong (sysexits: `EX_CONFIG`).
const EX_CONFIG: u8 = 78;

type MakeService = Box<dyn FnOnce(&Config) -> anyhow::Result<Service>>;

/// A program that serves hubs. Without a subcommand it is `dev`: everything in one process.
///
/// A program for many thousands of connections should choose an allocator that gives pages back, such as mimalloc, as the
/// command `hubplane` does: with glibc's an idle connection costs three times as much memory.
#[derive(Default)]
pub struct App {
    /// By the names that the hubs give themselves.
    hubs: Vec<(&'static str, MakeService)>,
    /// Tell the configuration of the same hubs, and of their settings.
    served: Vec<fn(Sources) -> Sources>,
    /// Of the same hubs, in the same order.
    declare: Vec<fn(&mut Declarations)>,
    /// Something to open in a browser, if there is anything.
    routes: Option<Router>,
    hub_routes: Vec<HubRoutes>,
    background: Vec<Background>,
    filters: Filters,
    /// Whether the applications of the official tests are there to be switched on.
    conformance: bool,
}

type Work = BoxFuture<'static, ()>;

/// Routes that hold a hub, not made yet.
pub(crate) struct HubRoutes {
    pub(crate) hub: &'static str,
    pub(crate) make: Box<dyn FnOnce(HubContext) -> Router + Send>,
}

/// Work beside a hub, not started yet.
pub(crate) struct Background {
    pub(crate) hub: &'static str,
    pub(crate) start: Box<dyn FnOnce(HubContext) -> Work + Send>,
}

impl App {
    /// Serves nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves a hub at `/hubs/{its name}`.
    #[must_use]
    pub fn hub<H: Hub>(mut self, hub: H) -> Self {
        self.served.push(|sources| sources.hub(H::NAME));
        self.serve::<H>(|_| Ok(hub))
    }

    /// Serves a hub that is made of its settings: the table `[hubs.<its name>.settings]` of the configuration, read into
    /// a type of your own.
    ///
    /// What the table leaves out has the defaults that serde gives it (`#[serde(default)]`), also if there is no table.
    /// A key that the type does not know and a value that does not fit are problems of the configuration, reported with
    /// all others and with where they came from; `config print` prints what is in force as the type writes itself. In
    /// names of a few small words (`history_lines`), each is an environment variable too:
    /// `HUBPLANE_HUBS__CHAT__SETTINGS__HISTORY_LINES=50`. [`config`](crate::config) has types for sizes and secrets, and
    /// [`test::settings`](crate::test::settings) reads settings in a test.
    ///
    /// ```no_run
    /// use hubplane::*;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// #[serde(default)]
    /// struct Settings {
    ///     history_lines: usize,
    /// }
    ///
    /// impl Default for Settings {
    ///     fn default() -> Self {
    ///         Self { history_lines: 100 }
    ///     }
    /// }
    ///
    /// struct Talk {
    ///     settings: Settings,
    /// }
    ///
    /// #[hub]
    /// impl Talk {
    ///     fn history_lines(&self) -> usize {
    ///         self.settings.history_lines
    ///     }
    /// }
    ///
    /// App::new().hub_with(|settings: Settings| Talk { settings }).run();
    /// ```
    #[must_use]
    pub fn hub_with<H: Hub, S>(self, make: impl FnOnce(S) -> H + 'static) -> Self
    where
        S: DeserializeOwned + Serialize,
    {
        self.try_hub_with(|settings| Ok::<_, std::convert::Infallible>(make(settings)))
    }

    /// The same for a hub that cannot always be made of its settings: what it needs is not there, or they do not fit each
    /// other. The program then says why and ends with 1, before it serves anything.
    ///
    /// ```no_run
    /// use hubplane::*;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Settings {
    ///     words: std::path::PathBuf,
    /// }
    ///
    /// struct Spelling {
    ///     words: String,
    /// }
    ///
    /// #[hub]
    /// impl Spelling {
    ///     fn is_word(&self, text: String) -> bool {
    ///         self.words.lines().any(|word| word == text)
    ///     }
    /// }
    ///
    /// App::new()
    ///     .try_hub_with(|settings: Settings| {
    ///         let words = std::fs::read_to_string(settings.words)?;
    ///         Ok::<_, std::io::Error>(Spelling { words })
    ///     })
    ///     .run();
    /// ```
    #[must_use]
    pub fn try_hub_with<H: Hub, S, E>(
        mut self,
        make: impl FnOnce(S) -> Result<H, E> + 'static,
    ) -> Self
    where
        S: DeserializeOwned + Serialize,
        E: std::error::Error + Send + Sync + 'static,
    {
        self.served
            .push(|sources| sources.hub_settings::<S>(H::NAME));
        self.serve::<H>(|config| {
            let settings = config.hubs.settings(H::NAME);
            let settings = settings.context("its settings were not read")?;
            Ok(make(settings)?)
        })
    }

    fn serve<H: Hub>(mut self, make: impl FnOnce(&Config) -> anyhow::Result<H> + 'static) -> Self {
        let make: MakeService = Box::new(|config| {
            let hub =
                make(config).with_context(|| format!("the hub {} cannot be made", H::NAME))?;
            let config = config.hubs.of(H::NAME);
            let options = Options {
                detailed_errors: config.detailed_errors,
            };
            let service = Service::new(hub, options)?;
            Ok(match config.invocation_timeout {
                Some(timeout) => service.invocation_timeout(timeout),
                None => service,
            })
        });
        self.hubs.push((H::NAME, make));
        self.declare.push(Declarations::hub::<H>);
        self
    }

    /// Serves these routes beside the hubs, on the public listener. They come before the hubs.
    #[must_use]
    pub fn routes(mut self, routes: Router) -> Self {
        let before = self.routes.unwrap_or_default();
        self.routes = Some(before.merge(routes));
        self
    }

    /// Serves routes that send to a hub, or ask its clients, beside the hubs: they are given the hub as seen from outside
    /// any invocation.
    ///
    /// ```no_run
    /// use hubplane::axum::Router;
    /// use hubplane::axum::routing::post;
    /// use hubplane::*;
    ///
    /// #[derive(Default)]
    /// struct News;
    ///
    /// #[hub]
    /// impl News {}
    ///
    /// App::new()
    ///     .hub(News)
    ///     .hub_routes::<News>(|news| {
    ///         let publish = async move |headline: String| {
    ///             // Nobody reads, or the gateway is gone.
    ///             let _ = news.all().send("Headline", (headline,)).await;
    ///         };
    ///         Router::new().route("/publish", post(publish))
    ///     })
    ///     .run();
    /// ```
    #[must_use]
    pub fn hub_routes<H: Hub>(
        mut self,
        routes: impl FnOnce(HubContext) -> Router + Send + 'static,
    ) -> Self {
        self.hub_routes.push(HubRoutes {
            hub: H::NAME,
            make: Box::new(routes),
        });
        self
    }

    /// Serves the hub `conformance`, and the applications that the official functional tests of SignalR's clients run
    /// against ([`conformance`](crate::conformance)), where the option `conformance.enabled` says so; `dev` does.
    #[must_use]
    pub fn conformance(mut self) -> Self {
        self.conformance = true;
        self.hub(Conformance::default())
    }

    /// Runs these filters around those of every hub, the first one outermost.
    #[must_use]
    pub fn filters(mut self, filters: Filters) -> Self {
        self.filters = filters;
        self
    }

    /// Runs work beside a hub that is served: a timer, a queue that is read. It is given the hub as seen from outside
    /// any invocation, starts when clients are taken, and is dropped at its next wait when the drain is over.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use hubplane::*;
    ///
    /// #[derive(Default)]
    /// struct Clock;
    ///
    /// #[hub]
    /// impl Clock {}
    ///
    /// App::new()
    ///     .hub(Clock)
    ///     .background::<Clock, _>(async |clock: HubContext| {
    ///         loop {
    ///             clock.sleep(Duration::from_secs(1)).await;
    ///             // Nobody listens, or the gateway is gone: the next second comes anyway.
    ///             let _ = clock.all().send("Tick", ()).await;
    ///         }
    ///     })
    ///     .run();
    /// ```
    #[must_use]
    pub fn background<H: Hub, F>(
        mut self,
        work: impl FnOnce(HubContext) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.background.push(Background {
            hub: H::NAME,
            start: Box::new(|hub| Box::pin(work(hub))),
        });
        self
    }

    /// Runs the command that the arguments name until it is told to stop. Exits 0 after a drain, 78 when the
    /// configuration is wrong, 1 when something else is.
    pub fn run(self) -> ExitCode {
        let args = Args::parse();
        // What the hubs are does not depend on how they are served.
        if let Command::Types { hubs } = args.chosen() {
            let done = self.declaration(&hubs).and_then(|text| print(&text));
            return done.map_or_else(|error| fail(&error, 1), |()| ExitCode::SUCCESS);
        }
        let served = self.served.iter();
        let config = match args.load(|sources| served.fold(sources, |sources, hub| hub(sources))) {
            Ok(config) => config,
            // Logging is configured by what could not be read.
            Err(error) => {
                return fail(
                    &error,
                    if error.is::<ConfigError>() {
                        EX_CONFIG
                    } else {
                        1
                    },
                );
            }
        };
        let done = match args.chosen() {
            Command::Dev(_) => self.dev(config),
            Command::Config {
                command: ConfigCommand::Check,
            } => Ok(()),
            Command::Config {
                command: ConfigCommand::Print,
            } => config
                .to_toml()
                .map_err(Into::into)
                .and_then(|text| print(&text)),
            Command::Types { hubs } => self.declaration(&hubs).and_then(|text| print(&text)),
            Command::Token(wanted) => self.token(&wanted, &config),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error, 1),
        }
    }

    fn token(self, wanted: &Wanted, config: &Config) -> anyhow::Result<()> {
        let mut rule = None;
        if let Some(named) = wanted.hub() {
            let mut hubs = self.hubs.into_iter();
            let hub = hubs.find(|(name, _)| name.eq_ignore_ascii_case(named));
            let (_, make) = hub.with_context(|| format!("no hub {named} is served here"))?;
            rule = Some(make(config)?.declaration().access);
        }
        print(&format!("{}\n", wanted.mint(config, rule.as_ref())?))
    }

    /// The TypeScript declaration of these hubs, or of all of them.
    fn declaration(&self, chosen: &[String]) -> anyhow::Result<String> {
        let served = || self.hubs.iter().map(|(name, _)| *name);
        for name in chosen {
            anyhow::ensure!(
                served().any(|served| served == name),
                "{name}: no hub of this name is served here, only {}",
                served().collect::<Vec<_>>().join(", ")
            );
        }
        let mut declarations = Declarations::new();
        for (name, declare) in served().zip(&self.declare) {
            if chosen.is_empty() || chosen.iter().any(|chosen| chosen == name) {
                declare(&mut declarations);
            }
        }
        Ok(declarations.to_string())
    }

    fn dev(self, config: Config) -> anyhow::Result<()> {
        init_logging(&config.log)?;
        let tests = self.conformance && config.conformance.enabled;
        let hubs = self
            .hubs
            .into_iter()
            .filter(|(name, _)| tests || !self.conformance || *name != Conformance::NAME)
            .map(|(_, make)| Ok(make(&config)?.filtered(self.filters.clone())))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let program = Program {
            hubs,
            routes: self.routes,
            hub_routes: self.hub_routes,
            background: self.background,
            tests: tests.then(|| test_applications(&config)).transpose()?,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("hubplane")
            .build()
            .context("the runtime cannot be started")?;
        let done = runtime.block_on(dev::run(config, program));
        // Everything that mattered has ended; hub code that never yields must not keep the process.
        runtime.shutdown_background();
        done
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("hubs", &self.hubs.len())
            .finish_non_exhaustive()
    }
}

/// Who has keys of their own decides who gets a token.
fn test_applications(config: &Config) -> anyhow::Result<TestApplications> {
    let applications = TestApplications::new()?;
    if !config.auth.has_keys() {
        return applications.random_tokens();
    }
    Ok(applications)
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    // Whoever closed the standard error does not want to know.
    let _ = writeln!(std::io::stderr(), "error: {error:#}");
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use hubplane_hub_host_hubs_chat::{Chat, ChatSettings};

    use hubplane_node::config::{Config, FileSource, Sources};

    use super::App;

    #[test]
    fn types_of_the_chat_are_declared() {
        let app = App::new().hub(Chat::default()).conformance();
        insta::assert_snapshot!(app.declaration(&["chat".to_owned()]).unwrap());
    }

    #[test]
    fn a_hub_is_made_of_its_settings_or_says_why_it_cannot_be() {
        let made = |app: App, toml: &str| {
            let text = FileSource::Text(toml.to_owned());
            let sources = app.served.iter().fold(Sources::none(), |it, hub| hub(it));
            let config = Config::load(sources.file(text)).unwrap();
            let (_, make) = app.hubs.into_iter().next().unwrap();
            make(&config).map_err(|error| format!("{error:#}"))
        };
        let toml = "[hubs.chat.settings]\nhistory_lines = 7";
        let app = App::new().hub_with(|settings: ChatSettings| {
            assert_eq!(settings.history_lines, 7);
            Chat::new(settings)
        });
        assert_eq!(made(app, toml).unwrap().name().as_str(), "chat");
        let app = App::new()
            .try_hub_with(|_: ChatSettings| Err::<Chat, _>(std::io::Error::other("no words")));
        let error = made(app, toml).unwrap_err();
        assert_eq!(error, "the hub chat cannot be made: no words");
    }

    #[test]
    fn types_of_all_hubs_are_in_one_declaration() {
        let app = App::new().hub(Chat::default()).conformance();
        let text = app.declaration(&[]).unwrap();
        for line in [
            "export interface ChatHub {",
            "export interface ConformanceHub {",
            "  EchoBytes(value: Bytes | null): Promise<Bytes | null>;",
            "  StreamEcho(source: IStreamResult<string>): IStreamResult<string>;",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
    }

    #[test]
    fn types_of_a_hub_that_is_not_there_are_an_error() {
        let app = App::new().hub(Chat::default());
        let error = app.declaration(&["shop".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "shop: no hub of this name is served here, only chat"
        );
    }
}
