//! QR codes as PNG images.

use qrcode::{Color, QrCode};

/// Pixels of one module of the code.
const SCALE: usize = 5;
/// Modules of the white border, as the standard requires.
const BORDER: usize = 4;

/// Why a text has no QR code.
#[derive(Debug, thiserror::Error)]
pub enum QrError {
    /// The text is too long for a QR code.
    #[error("the text does not fit into a QR code")]
    TooLong,
    /// The image could not be written.
    #[error("the image cannot be written")]
    Image(#[from] png::EncodingError),
}

/// A text as a QR code: a PNG image in black and white.
///
/// # Errors
/// If the text is longer than some 2,000 bytes.
pub fn qr_png(text: &str) -> Result<Vec<u8>, QrError> {
    let code = QrCode::new(text).map_err(|_| QrError::TooLong)?;
    let (modules, colors) = (code.width(), code.to_colors());
    let side = (modules + 2 * BORDER) * SCALE;
    let is_dark = |x: usize, y: usize| {
        let inside = |at: usize| (at / SCALE).checked_sub(BORDER).filter(|at| *at < modules);
        matches!((inside(x), inside(y)), (Some(x), Some(y)) if colors[y * modules + x] == Color::Dark)
    };
    // One bit per pixel: zero is black.
    let row_bytes = side.div_ceil(8);
    let mut pixels = vec![0u8; row_bytes * side];
    for y in 0..side {
        for x in 0..side {
            if !is_dark(x, y) {
                pixels[y * row_bytes + x / 8] |= 0x80 >> (x % 8);
            }
        }
    }
    let mut image = Vec::new();
    let length = u32::try_from(side).map_err(|_| QrError::TooLong)?;
    let mut encoder = png::Encoder::new(&mut image, length, length);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_shows_the_code() {
        let text = "otpauth://totp/phone@111122223333?secret=GEZDGNBV";
        let image = qr_png(text).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&image)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let code = QrCode::new(text).unwrap();
        let side = (code.width() + 2 * BORDER) * SCALE;
        assert_eq!((info.width as usize, info.height as usize), (side, side));
        for (index, color) in code.to_colors().into_iter().enumerate() {
            let middle = |module: usize| (module + BORDER) * SCALE + SCALE / 2;
            let (x, y) = (middle(index % code.width()), middle(index / code.width()));
            let is_white = pixels[y * info.line_size + x / 8] & (0x80 >> (x % 8)) != 0;
            assert_eq!(is_white, color == Color::Light, "module {index}");
        }
    }

    #[test]
    fn a_long_text_has_no_code() {
        assert!(matches!(qr_png(&"x".repeat(5_000)), Err(QrError::TooLong)));
    }
}
