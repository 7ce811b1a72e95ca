//! The one error type of the crate. Every message says what was wrong with what, and what to do about it;
//! it does not name the file, which only the caller knows.

/// Everything that can go wrong between a file's bytes and its genres.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of zero bytes.
    #[error("the file is empty (0 bytes); choose an image")]
    EmptyImage,

    /// The bytes start like none of the formats that are read.
    #[error("this is not an image that can be read here; choose a JPEG, PNG, WebP or GIF")]
    UnknownImageFormat,

    /// The header promises more than a decoder may take.
    #[error(
        "the image is {width} x {height} pixels, more than the {limit} megapixels that are read; make it smaller"
    )]
    ImageTooLarge {
        /// Width in pixels, as the header says.
        width: u32,
        /// Height in pixels, as the header says.
        height: u32,
        /// Accepted size in megapixels.
        limit: u64,
    },

    /// The decoder gave up.
    #[error("the {format} image is damaged or cut short ({reason}); try another copy of it")]
    DamagedImage {
        /// Name of the format, as in "JPEG".
        format: String,
        /// The decoder's own words.
        reason: String,
    },

    /// The manifest is not JSON, or not a manifest.
    #[error("the manifest (model.json) cannot be read: {reason}; export the bundle again")]
    Manifest {
        /// What was wrong with it.
        reason: String,
    },

    /// The manifest was written for another version of the format.
    #[error(
        "the bundle has format version {found}, this program reads version {supported}; {advice}"
    )]
    FormatVersion {
        /// Version in the manifest.
        found: u32,
        /// Version that this build reads.
        supported: u32,
        /// Which of the two to renew.
        advice: &'static str,
    },

    /// The weights are longer or shorter than the manifest says.
    #[error(
        "the weights ({file}) have {found} bytes where the manifest says {expected}; the file was cut short or belongs to another model"
    )]
    WeightsLength {
        /// Weight file named by the manifest.
        file: String,
        /// Bytes according to the manifest.
        expected: u64,
        /// Bytes that were given.
        found: u64,
    },

    /// The weights have the right length but other contents.
    #[error(
        "the weights ({file}) have SHA-256 {found} where the manifest says {expected}; the file is damaged or belongs to another model"
    )]
    WeightsHash {
        /// Weight file named by the manifest.
        file: String,
        /// Hash according to the manifest, lower-case hexadecimal.
        expected: String,
        /// Hash of the given bytes, lower-case hexadecimal.
        found: String,
    },

    /// The tensors are not those of the manifest's architecture.
    #[error("the weights do not fit the manifest's architecture: {reason}")]
    WeightsShape {
        /// The tensors that are missing, superfluous or of another shape.
        reason: String,
    },

    /// A file that should hold a whole bundle does not.
    #[error("this is not a network of Marquee's: {reason}")]
    NotABundle {
        /// What is missing.
        reason: String,
    },

    /// A table of true genres cannot be read.
    #[error("row {row}: {reason}")]
    Labels {
        /// As a spreadsheet counts: the header is row 1.
        row: usize,
        /// What was wrong with it.
        reason: String,
    },

    /// The network has no map of where it saw a genre.
    #[error("a {architecture} has no heatmaps: its head is not linear over a feature map")]
    NoHeatmaps {
        /// The network's name.
        architecture: &'static str,
    },

    /// A network cannot be taught what was asked.
    #[error("the network cannot be taught: {reason}")]
    NotTeachable {
        /// Why not.
        reason: String,
    },

    /// A device could not be had.
    #[error("no {device} device: {reason}")]
    Device {
        /// Name of the device that was asked for.
        device: &'static str,
        /// The driver's own words.
        reason: String,
    },

    /// The device failed during a computation.
    #[error("the device failed while computing: {reason}")]
    Compute {
        /// The driver's own words.
        reason: String,
    },

    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
}

impl Error {
    /// A stable name for programs to tell errors apart; the page shows the message, not this.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::EmptyImage => "EmptyImage",
            Self::UnknownImageFormat => "UnknownImageFormat",
            Self::ImageTooLarge { .. } => "ImageTooLarge",
            Self::DamagedImage { .. } => "DamagedImage",
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
