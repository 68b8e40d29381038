//! The secrets of a hub, as files only their owner may read.
//!
//! `keys/root-a.key` signs hub documents and belongs on paper or a stick in a drawer; `keys/log-1.key` is the seed of the
//! log and peer keys and stays with the daemon. Each holds 64 hexadecimal digits. Whoever has the first can take over the
//! hub's identity; whoever has the second can speak in its name until the root key closes the log.
//!
//! `keys/places.key` opens the protected places of backups. It is made when the first backup with such a place is, and is in
//! no backup: it belongs where a copy of the list's key is kept.
//!
//! Where systemd gives credentials (`LoadCredential=log-1.key:…`), the file of that name among them is used in place of the
//! one in the folder: the secret then lies where only root and the service can read it. A secret is never an argument of
//! the process, and is never printed but by `key backup`, which says so.

use crate::feed::note::{ED25519, LogKeys, SigningKey};
use crate::store::log::LogRow;
use crate::store::protected::locked::PlacesKey;
use anyhow::{Context, anyhow, bail};
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

/// Name of the file with the key of protected places in backups.
pub fn places_file(folder: &Path) -> PathBuf {
    folder.join("places.key")
}

/// The key of protected places in backups; `None` where none was made yet.
///
/// # Errors
/// The file is open to others or damaged; the message says which and what to do.
pub fn places(folder: &Path) -> anyhow::Result<Option<PlacesKey>> {
    let file = places_file(folder);
    if !found(&file).exists() {
        return Ok(None);
    }
    Ok(Some(PlacesKey::new(&*read(&file)?)))
}

/// Makes the key of protected places in backups. On the disk before anything is locked with it.
///
/// # Errors
/// I/O errors, with the file's name.
pub fn create_places(folder: &Path, rng: &mut impl CryptoRng) -> anyhow::Result<()> {
    create(&places_file(folder), rng)?;
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("cannot keep a key in {}", folder.display()))
}

/// Where a file of secrets is: among the credentials of the service, else in the folder.
pub fn found(file: &Path) -> PathBuf {
    let given = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let given = given.zip(file.file_name()).map(|(folder, name)| folder.join(name));
    given.filter(|given| given.is_file()).unwrap_or_else(|| file.to_owned())
}

/// Makes a key file from fresh randomness. It must not exist: keys are never overwritten.
///
/// # Errors
/// I/O errors, with the file's name.
pub fn create(file: &Path, rng: &mut impl CryptoRng) -> anyhow::Result<()> {
    let mut secret = Zeroizing::new([0u8; 32]);
    rng.fill_bytes(secret.as_mut());
    write(file, &secret)
}

/// Writes a secret to a new file that only its owner may read.
///
/// # Errors
/// I/O errors, with the file's name; a file that exists.
pub fn write(file: &Path, secret: &[u8; 32]) -> anyhow::Result<()> {
    let text = Zeroizing::new(hex::encode(secret.as_ref()) + "\n");
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("cannot make the key file {}", file.display()))?;
    out.write_all(text.as_bytes())?;
    out.sync_all().with_context(|| format!("cannot write the key file {}", file.display()))
}

/// Reads a secret from a file that only its owner may read.
///
/// # Errors
/// The file is absent, open to others or damaged; the message says which and what to do.
pub fn read(file: &Path) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let file = &found(file);
    let said = || format!("the key file {}", file.display());
    let mode = std::fs::metadata(file).with_context(said)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("{} can be read by others (mode {:o}); run `chmod 600` on it", said(), mode & 0o777);
    }
    let text = Zeroizing::new(std::fs::read_to_string(file).with_context(said)?);
    let mut secret = Zeroizing::new([0u8; 32]);
    hex::decode_to_slice(text.trim_end(), &mut secret[..])
        .map_err(|_| anyhow!("{} does not hold 64 hexadecimal digits; restore it from your backup", said()))?;
    Ok(secret)
}

/// A secret as people write it down: four lines of four groups of digits, each with a fifth by which a slip of the pen shows.
pub fn paper(secret: &[u8; 32]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for (nth, line) in secret.chunks(8).enumerate() {
        let digits = Zeroizing::new(hex::encode(line));
        for group in digits.as_bytes().chunks(4) {
            text.push_str(std::str::from_utf8(group).unwrap_or_default());
            text.push(' ');
        }
        text.push_str(&check_digits(nth, line));
        text.push('\n');
    }
    text
}

fn check_digits(nth: usize, line: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(&Sha256::new().chain_update([nth as u8]).chain_update(line).finalize()[..2])
}

/// A secret from [`paper`], in upper or lower case, with or without blanks.
///
/// # Errors
/// The number of the line, from 1, that is not as it was written.
pub fn from_paper(text: &str) -> Result<Zeroizing<[u8; 32]>, usize> {
    let mut secret = Zeroizing::new([0u8; 32]);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for (nth, part) in secret.chunks_mut(8).enumerate() {
        let line = lines.get(nth).ok_or(nth + 1)?;
        let digits: Zeroizing<String> =
            Zeroizing::new(line.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase());
        let (written, check) = digits.split_at_checked(16).ok_or(nth + 1)?;
        hex::decode_to_slice(written, part).map_err(|_| nth + 1)?;
        if check_digits(nth, part) != check {
            return Err(nth + 1);
        }
    }
    if lines.len() > 4 { Err(5) } else { Ok(secret) }
}

/// The keys of log number `k`.
///
/// # Errors
/// The file is absent, open to others or damaged; the message says which and what to do.
pub fn log(folder: &Path, k: u32, origin: &str) -> anyhow::Result<LogKeys> {
    Ok(LogKeys::from_seed(origin, &*read(&log_file(folder, k))?))
}

/// The keys of an own log, which must be those that it was signed with.
///
/// # Errors
/// As [`log`]; a sentence when the file is another log's.
pub fn of(folder: &Path, log: &LogRow) -> anyhow::Result<LogKeys> {
    let file = log_file(folder, log.ordinal + 1);
    let keys = self::log(folder, log.ordinal + 1, log.key.name())
        .context(
            "the key of this hub's list cannot be used; put the key file from your backup in its place. If this database was restored \
             from a backup that is older than the list in use, `mutuald feed heal --commit` brings that list",
        )?;
    if *keys.log.public() != log.key || *keys.peer.public() != log.peer {
        bail!(
            "the key in {} is not the one this hub's list was signed with (expected {}, found {}). Nothing was changed: \
             publishing with another key would make partners refuse everything. Put the right key file back",
            file.display(),
            log.key.fingerprint(),
            keys.log.public().fingerprint()
        );
    }
    Ok(keys)
}

/// The root key.
///
/// # Errors
/// As [`log`].
pub fn root(folder: &Path, name: &str) -> anyhow::Result<SigningKey> {
    Ok(SigningKey::new(name, ED25519, &*read(&root_file(folder))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_on_paper_is_read_again_and_a_slip_is_found() {
        let secret: [u8; 32] = std::array::from_fn(|n| (n * 7) as u8);
        let text = paper(&secret);
        assert_eq!(text.lines().count(), 4);
        assert_eq!(from_paper(&text).as_deref(), Ok(&secret));
        assert_eq!(from_paper(&text.to_uppercase().replace(' ', "")).as_deref(), Ok(&secret));
        let mut lines: Vec<&str> = text.lines().collect();
        lines.swap(0, 1);
        assert_eq!(from_paper(&lines.join("\n")).map(drop), Err(1), "lines in another order");
        for (at, digit) in text.char_indices().filter(|(_, c)| c.is_ascii_hexdigit()) {
            let mut slip = text.to_string();
            slip.replace_range(at..at + 1, if digit == '0' { "1" } else { "0" });
            assert!(from_paper(&slip).is_err(), "{slip}");
        }
        assert_eq!(from_paper("").map(drop), Err(1));
    }
}
