//! Classifies a sample poster with the shipped model, for `cargo xtask test`, which counts the instructions: unlike times,
//! they are the same on a busy machine.
//!
//!     cargo bench --bench instructions -- avx2
#![allow(clippy::unwrap_used)] // panics show what is missing

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    native::main();
}

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::fs;
    use std::hint::black_box;
    use std::path::Path;

    use marquee::bundle::BundleFiles;
    use marquee::cpu::CpuModel;
    use marquee::cpu::simd::Level;
    use marquee::{Manifest, Pixels};

    pub(super) fn main() {
        // Cargo adds `--bench`.
        let Some(name) = std::env::args().skip(1).find(|argument| !argument.starts_with('-'))
        else {
            return;
        };
        let level = Level::all().into_iter().find(|(level, _)| *level == name);
        let level = level.and_then(|(_, level)| level).unwrap();
        let www = Path::new(env!("CARGO_MANIFEST_DIR")).join("www");
        let bundle = BundleFiles::read(www.join("model")).unwrap();
        let Manifest { architecture, input, genres, .. } = bundle.manifest();
        let model =
            CpuModel::with_level(level, architecture, input, genres.len(), bundle.weights())
                .unwrap();
        let poster = input.decode(&fs::read(www.join("samples/lighthouse.jpg")).unwrap()).unwrap();
        // The first run allocates memory, which later runs reuse.
        black_box(model.logits(&poster).unwrap());
        black_box(counted(&model, &poster));
    }

    /// What is counted.
    #[inline(never)]
    fn counted(model: &CpuModel, poster: &Pixels) -> Vec<f32> {
        model.logits(poster).unwrap()
    }
}
