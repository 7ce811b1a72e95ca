//! `cargo xtask serve`: builds the page and serves it. The page is served as soon as the cpu package is built; the other
//! packages are built while it is in use.

use anyhow::{Context, Result};

use crate::background;
use crate::package::{self, PACKAGES, Package};
use crate::project::Project;
use crate::server::Server;
use crate::site::Site;

/// What the page says about a package that is not built yet.
const BUILDING: &str = "building";

/// Builds and serves until Ctrl-C.
pub(crate) fn run(project: &Project, port: u16) -> Result<()> {
    // Before the build, so that a port that is in use is reported at once.
    let listener = Server::bind(port)?;
    let site = Site::new(project);
    let [first, rest @ ..] = &PACKAGES;
    package::build_one(project, first, &site)?;
    for Package { name, .. } in rest {
        if !site.has_package(name) {
            site.set_pending(name, Some(BUILDING.into()))?;
        }
    }
    site.write_list()?;
    let server = Server::start(project, listener, "/", &site)?;
    println!("\nMarquee is at {}   (Ctrl-C stops it)\n", server.url);

    background::activate();
    std::thread::scope(|scope| {
        scope.spawn(|| build_rest(project, rest, &site));
        let ended = server.runtime().block_on(interrupted());
        background::end();
        // Ends the thread too: what it builds is of no use without the server.
        std::process::exit(i32::from(ended.is_err()));
    })
}

/// Builds the packages that are not needed for the first answer. One that fails is reported, and the page does without.
fn build_rest(project: &Project, packages: &'static [Package], site: &Site) {
    let mut failed = false;
    for package in packages {
        let result = package::build_one(project, package, site);
        let reason = result.err().map(|error| format!("{error:#}"));
        if let Some(reason) = &reason {
            failed = true;
            eprintln!("error: {reason}\n    The page works without the {} package.", package.name);
        }
        // Over a package of an earlier build, a failure changes nothing.
        let reason = reason.filter(|_| !site.has_package(package.name));
        if let Err(error) = site.set_pending(package.name, reason) {
            eprintln!("error: {error:#}");
        }
    }
    if !failed {
        println!("\nAll packages are built; reload the page to use them.");
    }
}

/// Waits for Ctrl-C or the signal to terminate.
async fn interrupted() -> Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result.context("waiting for Ctrl-C"),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")
}
