//! A static file server for `www/`, as plain as GitHub Pages: no special headers, any path prefix.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use tokio::runtime::Runtime;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::project::Project;
use crate::site::Site;

/// A server that runs until it is dropped.
pub(crate) struct Server {
    /// Address of the page, with a slash at its end.
    pub(crate) url: String,
    runtime: Runtime,
}

impl Server {
    /// Reserves a port of this machine. Port 0 takes any free one.
    ///
    /// # Errors
    /// If the port is in use.
    pub(crate) fn bind(port: u16) -> Result<TcpListener> {
        TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .with_context(|| format!("port {port} is not free: choose another with --port"))
    }

    /// Serves `www/` under `prefix`, which begins and ends with a slash.
    pub(crate) fn start(
        project: &Project,
        listener: TcpListener,
        prefix: &str,
        site: &Site,
    ) -> Result<Self> {
        let files = ServeDir::new(project.www());
        let router = if prefix == "/" {
            Router::new().fallback_service(files)
        } else {
            Router::new().nest_service(prefix.trim_end_matches('/'), files)
        };
        // During development, a reload must show what was just built.
        let fresh = HeaderValue::from_static("no-cache");
        let lock = Arc::clone(&site.lock);
        let router = router
            .layer(SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, fresh))
            .layer(from_fn(move |request: Request, next: Next| {
                let lock = Arc::clone(&lock);
                async move {
                    let _reading = lock.read().await;
                    next.run(request).await
                }
            }));

        let url = format!("http://{}{prefix}", listener.local_addr()?);
        listener.set_nonblocking(true)?;
        let runtime = Runtime::new()?;
        runtime.spawn(async move {
            axum::serve(tokio::net::TcpListener::from_std(listener)?, router).await
        });
        Ok(Self { url, runtime })
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}
