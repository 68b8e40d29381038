//! The secrets of a hub, as files only their owner may read.
//!
//! `keys/root-a.key` signs hub documents and belongs on paper or a stick in a drawer; `keys/log-1.key` is the seed of the
//! log and peer keys and stays with the daemon. Each holds 64 hexadecimal digits. Whoever has the first can take over the
//! hub's identity; whoever has the second can speak in its name until the root key closes the log.

use crate::feed::note::{ED25519, LogKeys, SigningKey, hex};
use anyhow::{Context, bail};
use rand::CryptoRng;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Name of the seed file of log number `k`.
pub fn log_file(folder: &Path, k: u32) -> PathBuf {
    folder.join(format!("log-{k}.key"))
}

/// Name of the root key's file.
pub fn root_file(folder: &Path) -> PathBuf {
    folder.join("root-a.key")
}

/// Makes a key file from fresh randomness. It must not exist: keys are never overwritten.
///
/// # Errors
/// I/O errors, with the file's name.
pub fn create(file: &Path, rng: &mut impl CryptoRng) -> anyhow::Result<()> {
    let mut secret = Zeroizing::new([0u8; 32]);
    rng.fill_bytes(secret.as_mut());
    let text = Zeroizing::new(hex(secret.as_ref()) + "\n");
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("cannot make the key file {}", file.display()))?;
    out.write_all(text.as_bytes())?;
    out.sync_all().with_context(|| format!("cannot write the key file {}", file.display()))
}

fn read(file: &Path) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let said = || format!("the key file {}", file.display());
    let mode = std::fs::metadata(file).with_context(said)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("{} can be read by others (mode {:o}); run `chmod 600` on it", said(), mode & 0o777);
    }
    let text = Zeroizing::new(std::fs::read_to_string(file).with_context(said)?);
    let digits = text.trim_end().as_bytes();
    let mut secret = Zeroizing::new([0u8; 32]);
    if digits.len() != 64 {
        bail!("{} does not hold 64 hexadecimal digits; restore it from your backup", said());
    }
    for (pair, byte) in digits.chunks(2).zip(secret.iter_mut()) {
        *byte = std::str::from_utf8(pair)
            .ok()
            .filter(|pair| !pair.starts_with('+'))
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
            .with_context(|| format!("{} does not hold 64 hexadecimal digits; restore it from your backup", said()))?;
    }
    Ok(secret)
}

/// The keys of log number `k`.
///
/// # Errors
/// The file is absent, open to others or damaged; the message says which and what to do.
pub fn log(folder: &Path, k: u32, origin: &str) -> anyhow::Result<LogKeys> {
    Ok(LogKeys::from_seed(origin, &*read(&log_file(folder, k))?))
}

/// The root key.
///
/// # Errors
/// As [`log`].
pub fn root(folder: &Path, name: &str) -> anyhow::Result<SigningKey> {
    Ok(SigningKey::new(name, ED25519, &*read(&root_file(folder))?))
}
