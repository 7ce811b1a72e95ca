//! The crate's error type.
//!
//! Every message says what is wrong and what to do about it. It does not name the image file, which only the
//! caller knows.

/// Everything that can fail between an image file's bytes and its genres.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The image file has zero bytes.
    #[error("the file is empty (0 bytes); choose an image")]
    EmptyImage,

    /// The file does not begin like any of the supported image formats.
    #[error("this is not a supported image; choose a JPEG, PNG, WebP or GIF")]
    UnknownImageFormat,

    /// The image has more pixels than are decoded, according to its header.
    #[error(
        "the image is {width} x {height} pixels, above the limit of {limit} megapixels; choose a smaller one"
    )]
    ImageTooLarge {
        /// Width in pixels, from the header.
        width: u32,
        /// Height in pixels, from the header.
        height: u32,
        /// Largest accepted size in megapixels; it depends on the image's format and colour type.
        limit: u64,
    },

    /// A side of the image is longer than is decoded, according to its header. Its [`kind`](Self::kind) is
    /// `ImageTooLarge`.
    #[error(
        "the image is {width} x {height} pixels, and a side may have at most {limit}; choose a smaller one"
    )]
    SideTooLong {
        /// Width in pixels, from the header.
        width: u32,
        /// Height in pixels, from the header.
        height: u32,
        /// Longest accepted side in pixels.
        limit: u32,
    },

    /// The image cannot be decoded.
    #[error("the {format} image is damaged or incomplete ({reason}); try another copy of it")]
    DamagedImage {
        /// Name of the format, such as "JPEG"; "RGBA" for pixels that the caller decoded.
        format: String,
        /// The decoder's message.
        reason: String,
    },

    /// The pixels of a poster do not have the announced size.
    #[error(
        "{width} x {height} pixels of red, green and blue are {expected} values, but there are {found}; pass all rows, without padding"
    )]
    PixelCount {
        /// Announced width in pixels.
        width: u32,
        /// Announced height in pixels.
        height: u32,
        /// Number of values that these are.
        expected: u64,
        /// Number of values that there are.
        found: u64,
    },

    /// A poster does not have the input size of the model.
    #[error(
        "the poster is {} x {} pixels, but the model's input is {} x {}; decode it with the manifest's `input`",
        .found[0], .found[1], .expected[0], .expected[1]
    )]
    PosterSize {
        /// Width and height of the model's input.
        expected: [u32; 2],
        /// Width and height of the poster.
        found: [u32; 2],
    },

    /// An architecture does not accept its options, the input size or the number of genres.
    #[error("{reason}")]
    Architecture {
        /// What it does not accept, and what it would.
        reason: String,
    },

    /// The manifest is not valid JSON, or its values are invalid.
    #[error("the manifest (model.json) is invalid: {reason}; export the bundle again")]
    Manifest {
        /// What is wrong with it.
        reason: String,
    },

    /// The manifest has another version of the format.
    #[error(
        "the bundle has format version {found}, but only version {supported} is supported; {advice}"
    )]
    FormatVersion {
        /// Version in the manifest.
        found: u32,
        /// Version that this build reads, [`FORMAT_VERSION`](crate::bundle::FORMAT_VERSION).
        supported: u32,
        /// Whether to update the program or the bundle.
        advice: &'static str,
    },

    /// The weight file is longer or shorter than the manifest says.
    #[error(
        "the weights ({file}) have {found} bytes, but the manifest says {expected}; the file is incomplete or belongs to another model"
    )]
    WeightsLength {
        /// Weight file named by the manifest.
        file: String,
        /// Length in bytes according to the manifest.
        expected: u64,
        /// Length in bytes of the file.
        found: u64,
    },

    /// The weight file has the right length but other contents.
    #[error(
        "the weights ({file}) have the SHA-256 {found}, but the manifest says {expected}; the file is damaged or belongs to another model"
    )]
    WeightsHash {
        /// Weight file named by the manifest.
        file: String,
        /// Hash according to the manifest, lower-case hexadecimal.
        expected: String,
        /// Hash of the file, lower-case hexadecimal.
        found: String,
    },

    /// The weight file is not a safetensors file, or its tensors are not those of the manifest's architecture.
    #[error("the weights do not match the manifest's architecture: {reason}")]
    WeightsShape {
        /// The tensors that are missing, unexpected or of another shape.
        reason: String,
    },

    /// A file that should hold a whole bundle does not.
    #[error("this is not a Marquee model: {reason}")]
    NotABundle {
        /// What is missing.
        reason: String,
    },

    /// A table of labels cannot be read.
    #[error("row {row}: {reason}")]
    Labels {
        /// Row number as in a spreadsheet: the header is row 1.
        row: usize,
        /// What is wrong with the row.
        reason: String,
    },

    /// The architecture has no heatmaps.
    #[error("{architecture} has no heatmaps: its head is not linear over a feature map")]
    NoHeatmaps {
        /// The architecture's name.
        architecture: &'static str,
    },

    /// The model cannot be fine-tuned as requested.
    #[error("the model cannot be fine-tuned: {reason}")]
    NotTeachable {
        /// Why not.
        reason: String,
    },

    /// The requested device is not available.
    #[error("no {device} device: {reason}")]
    Device {
        /// Name of the requested device.
        device: &'static str,
        /// The driver's message.
        reason: String,
    },

    /// The device failed during a computation, or the result is not finite.
    #[error("the device failed while computing: {reason}")]
    Compute {
        /// The driver's message.
        reason: String,
    },

    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The operating system's error.
        source: std::io::Error,
    },
}

impl Error {
    /// Returns the variant's name, by which programs can tell errors apart.
    ///
    /// In JavaScript it is the `name` of the `Error`. Unlike the message, it does not change between versions.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::EmptyImage => "EmptyImage",
            Self::UnknownImageFormat => "UnknownImageFormat",
            Self::ImageTooLarge { .. } | Self::SideTooLong { .. } => "ImageTooLarge",
            Self::DamagedImage { .. } => "DamagedImage",
            Self::PixelCount { .. } => "PixelCount",
            Self::PosterSize { .. } => "PosterSize",
            Self::Architecture { .. } => "Architecture",
            Self::Manifest { .. } => "Manifest",
            Self::FormatVersion { .. } => "FormatVersion",
            Self::WeightsLength { .. } => "WeightsLength",
            Self::WeightsHash { .. } => "WeightsHash",
            Self::WeightsShape { .. } => "WeightsShape",
            Self::NotABundle { .. } => "NotABundle",
            Self::Labels { .. } => "Labels",
            Self::NoHeatmaps { .. } => "NoHeatmaps",
            Self::NotTeachable { .. } => "NotTeachable",
            Self::Device { .. } => "Device",
            Self::Compute { .. } => "Compute",
            Self::File { .. } => "File",
        }
    }
}

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
