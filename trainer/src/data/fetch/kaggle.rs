//! Where a dataset lies at Kaggle, and who asks for it.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::download::Source;

const ENDPOINT: &str = "https://www.kaggle.com";

/// A user name and a key. There is no way to print it.
#[derive(Deserialize)]
struct Credentials {
    username: String,
    key: String,
}

/// The archive of a dataset, `owner/name`. Kaggle's own programs read the same variables and file.
pub(super) fn source(dataset: &str) -> Result<Source> {
    let plain = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    let parts: Vec<_> = dataset.split('/').collect();
    ensure!(
        parts.len() == 2 && parts.iter().all(|part| plain(part)),
        "{dataset:?} is not a dataset of Kaggle's, such as raman77768/movie-classifier"
    );
    let endpoint = std::env::var("KAGGLE_API_ENDPOINT").unwrap_or_else(|_| ENDPOINT.into());
    let url = format!("{}/api/v1/datasets/download/{dataset}", endpoint.trim_end_matches('/'));
    let Some((credentials, origin)) = credentials()? else {
        return Ok(Source {
            refused:
                "set KAGGLE_USERNAME and KAGGLE_KEY, or save a token from Kaggle's settings as \
                      ~/.kaggle/kaggle.json"
                    .into(),
            ..Source::plain(&url)
        });
    };
    let Credentials { username, key } = credentials;
    Ok(Source {
        authorization: Some(format!("Basic {}", STANDARD.encode(format!("{username}:{key}")))),
        refused: format!(
            "are the user name and the key in {origin} still valid, and did you accept the dataset's terms on \
             its page?"
        ),
        ..Source::plain(&url)
    })
}

/// From the environment, or from `kaggle.json`; and which of them.
fn credentials() -> Result<Option<(Credentials, String)>> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (variable("KAGGLE_USERNAME"), variable("KAGGLE_KEY")) {
        (Some(username), Some(key)) => {
            let origin = "KAGGLE_USERNAME and KAGGLE_KEY".into();
            return Ok(Some((Credentials { username, key }, origin)));
        }
        (None, None) => {}
        _ => anyhow::bail!("only one of KAGGLE_USERNAME and KAGGLE_KEY is set; set both or none"),
    }
    let configured = std::env::var_os("KAGGLE_CONFIG_DIR").map(PathBuf::from);
    let folder = configured.or_else(|| Some(std::env::home_dir()?.join(".kaggle")));
    let Some(path) = folder.map(|folder| folder.join("kaggle.json")) else { return Ok(None) };
    let name = path.display().to_string();
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| name.clone())?,
    };
    // serde's own message may quote what it read.
    let credentials = serde_json::from_str(&text).ok();
    let credentials = credentials
        .with_context(|| format!("{name} is not JSON with the texts username and key"))?;
    Ok(Some((credentials, name)))
}
