//! The URL of a Kaggle dataset, and the credentials to download it.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::download::Source;

const ENDPOINT: &str = "https://www.kaggle.com";

/// A user name and a key. It has no `Debug`, so it cannot be printed by accident.
#[derive(Deserialize)]
struct Credentials {
    username: String,
    key: String,
}

/// Returns the source of a dataset's archive, given `owner/name`. Reads the same environment variables and the same
/// file as Kaggle's own tools.
///
/// # Errors
/// Fails if the name is malformed or the credentials are incomplete.
pub(super) fn source(dataset: &str) -> Result<Source> {
    let is_valid = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    let parts: Vec<_> = dataset.split('/').collect();
    ensure!(
        parts.len() == 2 && parts.iter().all(|part| is_valid(part)),
        "{dataset:?} is not the name of a Kaggle dataset; expected OWNER/NAME, such as raman77768/movie-classifier"
    );
    let endpoint = std::env::var("KAGGLE_API_ENDPOINT").unwrap_or_else(|_| ENDPOINT.into());
    let url = format!("{}/api/v1/datasets/download/{dataset}", endpoint.trim_end_matches('/'));
    let Some((credentials, origin)) = credentials()? else {
        return Ok(Source {
            if_refused:
                "set KAGGLE_USERNAME and KAGGLE_KEY, or save an API token from Kaggle's settings as \
                 ~/.kaggle/kaggle.json"
                    .into(),
            ..Source::without_credentials(&url)
        });
    };
    let Credentials { username, key } = credentials;
    Ok(Source {
        authorization: Some(format!("Basic {}", STANDARD.encode(format!("{username}:{key}")))),
        if_refused: format!(
            "check that the user name and key in {origin} are valid, and accept the dataset's terms on its page"
        ),
        ..Source::without_credentials(&url)
    })
}

/// Reads the credentials from the environment, or else from `kaggle.json`. Returns them with the name of their origin.
fn credentials() -> Result<Option<(Credentials, String)>> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (variable("KAGGLE_USERNAME"), variable("KAGGLE_KEY")) {
        (Some(username), Some(key)) => {
            let origin = "KAGGLE_USERNAME and KAGGLE_KEY".into();
            return Ok(Some((Credentials { username, key }, origin)));
        }
        (None, None) => {}
        _ => {
            anyhow::bail!("only one of KAGGLE_USERNAME and KAGGLE_KEY is set; set both or neither")
        }
    }
    let configured = std::env::var_os("KAGGLE_CONFIG_DIR").map(PathBuf::from);
    let folder = configured.or_else(|| Some(std::env::home_dir()?.join(".kaggle")));
    let Some(path) = folder.map(|folder| folder.join("kaggle.json")) else { return Ok(None) };
    let name = path.display().to_string();
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| name.clone())?,
    };
    // serde's error message may quote the key, so it is dropped.
    let credentials = serde_json::from_str(&text).ok();
    let credentials = credentials.with_context(|| {
        format!("{name} must be JSON with the strings \"username\" and \"key\"")
    })?;
    Ok(Some((credentials, name)))
}
