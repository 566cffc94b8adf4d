//! The path of a request as it is signed.

use crate::{
    encode::{self, BadEscape},
    error::SigV4Error,
};

/// The rule by which the path of a request is signed; see [`crate::attacks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathRule {
    /// Escaped again; a path with empty or dot segments is refused.
    Strict,
    /// Escaped again, after empty and dot segments are resolved. For services that route on the resolved path.
    Normalize,
    /// Escaped once and not normalized: the rule of S3.
    ObjectKey,
}

impl PathRule {
    pub(crate) fn push_canonical(self, out: &mut Vec<u8>, path: &str) -> Result<(), SigV4Error> {
        if path.is_empty() {
            out.push(b'/');
            return Ok(());
        }
        let Some(rest) = path.strip_prefix('/') else { return Err(SigV4Error::MalformedTarget) };
        match self {
            Self::ObjectKey => {
                encode::push_path_once(out, path.as_bytes()).map_err(|BadEscape| SigV4Error::MalformedTarget)?;
            }
            Self::Strict => {
                if !is_normal(rest) {
                    return Err(SigV4Error::UnresolvedPath);
                }
                encode::push_path_again(out, path.as_bytes());
            }
            Self::Normalize => {
                let segments = normal_segments(rest);
                for segment in &segments {
                    out.push(b'/');
                    encode::push_path_again(out, segment.as_bytes());
                }
                if segments.is_empty() || path.ends_with('/') {
                    out.push(b'/');
                }
            }
        }
        Ok(())
    }
}

/// Whether the text after the first slash has no empty or dot segments. It may end with one slash.
fn is_normal(rest: &str) -> bool {
    let rest = match rest.strip_suffix('/') {
        Some("") => return false,
        Some(rest) => rest,
        None if rest.is_empty() => return true,
        None => rest,
    };
    rest.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}

fn normal_segments(rest: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    for segment in rest.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    segments
}
