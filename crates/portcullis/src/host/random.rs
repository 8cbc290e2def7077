//! Random bytes from the system, for secrets and default seeds.

use std::fs::File;
use std::io::Read;

fn bytes<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn hexadecimal<const N: usize>() -> std::io::Result<String> {
    Ok(bytes::<N>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A secret of 256 bits, in hexadecimal.
///
/// # Errors
/// The system gives no random bytes.
pub fn secret() -> std::io::Result<String> {
    hexadecimal::<32>()
}

/// A unique name for a run, in hexadecimal.
///
/// # Errors
/// The system gives no random bytes.
pub fn name() -> std::io::Result<String> {
    hexadecimal::<8>()
}

/// A seed of 32 bits: short enough to type, and exact in any JSON reader.
///
/// # Errors
/// The system gives no random bytes.
pub fn seed() -> std::io::Result<u64> {
    Ok(u64::from(u32::from_le_bytes(bytes::<4>()?)))
}
