//! The page, served, and Node.js with all that the end-to-end tests need.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::{native, untrusted};
use crate::chromium::{self, Chromium};
use crate::firefox;
use crate::npm;
use crate::package;
use crate::project::Project;
use crate::server::Server;
use crate::site::Site;
use crate::step::{run as run_command, step};
use crate::tools;
use crate::webkit::{self, WebKit};

/// The page is tested under a path like the one that GitHub Pages gives a project.
const PREFIX: &str = "/any/prefix/";

/// The tests that measure time.
const RESPONSIVE: &str = "responsive.test.mjs";

/// Milliseconds after which a file of tests has failed: one that hangs would end the run without a message.
const TIMEOUT: &str = "--test-timeout=1800000";

pub(crate) struct PageTests {
    server: Server,
    chromium: Chromium,
    firefox: Option<PathBuf>,
    webkit: Option<WebKit>,
    /// The npm package.
    npm: PathBuf,
    folder: PathBuf,
    trainer: PathBuf,
    untrusted: PathBuf,
}

impl PageTests {
    /// Builds what is missing, and serves the page.
    pub(crate) fn prepare(project: &Project) -> Result<Self> {
        package::build(project)?;
        let chromium = chromium::find()?;
        tools::node_packages(project)?;
        step("building the trainer", || super::build_trainer(project))?;
        if !untrusted(project).exists() {
            step("writing untrusted files", || {
                let mut cargo = native::cargo_test(project);
                cargo.args(["--test", "native", "untrusted::"]);
                run_command(cargo.env("MARQUEE_UNTRUSTED", untrusted(project)))
            })?;
        }
        let site = Site::new(project);
        Ok(Self {
            server: Server::start(project, Server::bind(0)?, PREFIX, &site)?,
            chromium,
            firefox: firefox::find(),
            webkit: webkit::find(),
            npm: npm::folder(project),
            folder: project.node(),
            trainer: super::trainer(project),
            untrusted: untrusted(project),
        })
    }

    /// Runs all tests, two files at a time; then, alone, those that measure the page's response times.
    pub(crate) fn run(&self) -> Result<()> {
        let mut files = Vec::new();
        for entry in self.folder.read_dir()? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".test.mjs") && name != RESPONSIVE {
                files.push(name);
            }
        }
        files.sort();
        let mut node = self.script();
        node.args(["--test", "--test-concurrency=2", TIMEOUT, "--test-reporter=spec"]);
        // One run tells of all failures.
        let together = run_command(node.args(files));
        let mut node = self.script();
        let alone = run_command(node.args(["--test", TIMEOUT, "--test-reporter=spec", RESPONSIVE]));
        together.and(alone)
    }

    /// Returns the tests that are skipped because a browser is missing.
    pub(crate) fn skipped(&self) -> Vec<String> {
        let missing = |is_missing: bool, what: &str| is_missing.then(|| what.to_owned());
        let firefox = "page and npm package in Firefox: install Firefox, or run as root on Debian, \
                       where it is installed automatically";
        let webkit = "page in WebKit: install WebKitWebDriver, MiniBrowser and xvfb-run, or run as \
                      root on Debian, where they are installed automatically";
        [missing(self.firefox.is_none(), firefox), missing(self.webkit.is_none(), webkit)]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Node in the folder of the page's tests.
    pub(crate) fn script(&self) -> Command {
        let mut node = Command::new("node");
        node.current_dir(&self.folder)
            .env("MARQUEE_URL", &self.server.url)
            .env("MARQUEE_CHROMIUM", &self.chromium.browser)
            .env("MARQUEE_CHROMIUM_FLAGS", chromium::FLAGS.join(" "))
            .env("MARQUEE_WEBGPU_FLAGS", chromium::WEBGPU_FLAGS.join(" "))
            .env("MARQUEE_TRAINER", &self.trainer)
            .env("MARQUEE_UNTRUSTED", &self.untrusted)
            .env("MARQUEE_PACKAGE", &self.npm);
        if let Some(firefox) = &self.firefox {
            node.env("MARQUEE_FIREFOX", firefox);
        }
        if let Some(webkit) = &self.webkit {
            node.env("MARQUEE_WEBKIT", &webkit.browser)
                .env("MARQUEE_WEBKIT_DRIVER", &webkit.driver);
        }
        node
    }
}
