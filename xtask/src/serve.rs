//! A plain static file server for `www/`, as GitHub Pages is one: no special headers, any path prefix.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use axum::Router;
use axum::http::{HeaderValue, header};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::project::Project;

/// Serves `www/` at the root until the program is ended.
pub(crate) fn forever(project: &Project, port: u16) -> Result<()> {
    let server = Server::start(project, port, "/")?;
    println!("\nMarquee is at {}   (Ctrl-C ends it)", server.url);
    server.runtime.block_on(std::future::pending::<()>());
    Ok(())
}

/// A server that runs until it is dropped.
pub(crate) struct Server {
    /// Address of the page, with a slash at its end.
    pub(crate) url: String,
    runtime: Runtime,
}

impl Server {
    /// Serves `www/` under `prefix`, which begins and ends with a slash. Port 0 takes any that is free.
    pub(crate) fn start(project: &Project, port: u16, prefix: &str) -> Result<Self> {
        let files = ServeDir::new(project.www());
        let router = if prefix == "/" {
            Router::new().fallback_service(files)
        } else {
            Router::new().nest_service(prefix.trim_end_matches('/'), files)
        };
        // While developing, a reload shows what was just built.
        let fresh = HeaderValue::from_static("no-cache");
        let router = router.layer(SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, fresh));

        let runtime = Runtime::new()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = runtime
            .block_on(TcpListener::bind(address))
            .with_context(|| format!("port {port} cannot be used; name another with --port"))?;
        let url = format!("http://{}{prefix}", listener.local_addr()?);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, runtime })
    }
}
