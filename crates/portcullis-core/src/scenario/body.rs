//! The body of a request: JSON, a form, plain text, or several parts with files.

use std::sync::Arc;

use super::template::Template;

/// The body of a request, with placeholders.
#[derive(Clone, Debug)]
pub enum BodyTemplate {
    /// JSON, as text with placeholders. A GraphQL operation is JSON too.
    Json(Template),
    /// Fields of a form: `application/x-www-form-urlencoded`.
    Form(Vec<(String, Template)>),
    /// Text that is sent as it is; its media type is set by a header.
    Raw(Template),
    /// Fields and files: `multipart/form-data`.
    Multipart(Vec<BodyPart>),
}

/// One part of a `multipart/form-data` body.
#[derive(Clone, Debug)]
pub struct BodyPart {
    /// The name of the field.
    pub name: String,
    /// Its content.
    pub content: PartContent,
}

/// The content of a part.
#[derive(Clone, Debug)]
pub enum PartContent {
    /// A plain field.
    Text(Template),
    /// A file.
    File {
        /// The name that the service sees.
        file_name: String,
        /// Its media type.
        media_type: String,
        /// Where its bytes come from.
        source: FileSource,
    },
}

/// The bytes of a file that is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileSource {
    /// A file that is read when the plan is made; relative to the configuration's folder.
    Path(String),
    /// The content of a file that was read.
    Bytes(Arc<[u8]>),
    /// This number of bytes, made up: the same in every run.
    Size(u64),
}

impl FileSource {
    /// The bytes; none of a file that was not read.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Path(_) => Vec::new(),
            Self::Bytes(bytes) => bytes.to_vec(),
            // Letters, so that a service may read it as text; no line ends, which a boundary needs.
            Self::Size(size) => (0..*size).map(|index| b'a' + (index % 26) as u8).collect(),
        }
    }
}

impl BodyTemplate {
    /// All templates.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Json(template) | Self::Raw(template) => vec![template],
            Self::Form(fields) => fields.iter().map(|(_, template)| template).collect(),
            Self::Multipart(_) => self.fields().into_iter().map(|(_, template)| template).collect(),
        }
    }

    /// The files that must be read.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut FileSource> {
        let parts = match self {
            Self::Multipart(parts) => parts.as_mut_slice(),
            Self::Json(_) | Self::Form(_) | Self::Raw(_) => &mut [],
        };
        parts.iter_mut().filter_map(|part| match &mut part.content {
            PartContent::File { source, .. } => Some(source),
            PartContent::Text(_) => None,
        })
    }

    /// The named texts that may be secrets: fields of a form, and fields of parts.
    pub fn fields(&self) -> Vec<(&str, &Template)> {
        match self {
            Self::Json(_) | Self::Raw(_) => Vec::new(),
            Self::Form(fields) => fields.iter().map(|(name, text)| (name.as_str(), text)).collect(),
            Self::Multipart(parts) => parts
                .iter()
                .filter_map(|part| match &part.content {
                    PartContent::Text(text) => Some((part.name.as_str(), text)),
                    PartContent::File { .. } => None,
                })
                .collect(),
        }
    }
}
