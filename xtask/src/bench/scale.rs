//! The Python package next to Pillow and onnxruntime, and the job on Ray with one and two workers.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::project::Project;
use crate::step::run as run_command;
use crate::test::python::install_wheel;
use crate::tools;

#[derive(Args)]
pub(crate) struct ScaleArgs {
    /// Folder of image files; by default the page's samples, again and again
    #[arg(long, value_name = "DIR")]
    posters: Option<PathBuf>,
    /// Posters that each engine classifies; the job classifies ten times as many
    #[arg(long, default_value_t = 200)]
    count: usize,
    /// Number of measurements of each engine
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Also write the results as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(crate) fn run(project: &Project, args: &ScaleArgs) -> Result<()> {
    let Some(python) = tools::python_environment(project)? else {
        bail!("PyPI cannot be reached, and the Python packages are not installed");
    };
    let more = project.root.join("python/requirements-bench.txt");
    if !python.install(&more, "installing onnxruntime (20 MB, once)")? {
        bail!("PyPI cannot be reached, and onnxruntime is not installed");
    }
    install_wheel(project, &python)?;
    super::write_onnx(project)?;
    let mut bench = python.program("python");
    bench.arg(project.root.join("python/bench/scale.py"));
    let posters = args.posters.clone().unwrap_or_else(|| project.www().join("samples"));
    bench.arg("--posters").arg(posters);
    bench.arg("--onnx").arg(super::made(project)?.join("model.onnx"));
    bench.args(["--count", &args.count.to_string(), "--rounds", &args.rounds.to_string()]);
    if let Some(json) = &args.json {
        bench.arg("--json").arg(json);
    }
    run_command(&mut bench)
}
