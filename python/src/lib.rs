//! The native module of the Python package `marquee`. It converts types and delegates to the crate `marquee`; what
//! is easier to say in Python stands in `py_src/marquee`.

mod batch;
mod error;
mod evaluation;
mod explanation;
mod model;
mod poster;

/// The native part of the package `marquee`.
#[pyo3::pymodule]
mod _marquee {
    #[pymodule_export]
    use super::error::{BundleError, Error, ImageError};
    #[pymodule_export]
    use super::model::NativeModel;
    #[pymodule_export]
    use super::poster::Rgba;
}
