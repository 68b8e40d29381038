//! Protected places in a backup: locked, with a key that no backup holds.
//!
//! A backup travels: on sticks, to another disk, to somebody's cloud. No byte of a protected place may go with it, and yet a
//! hub whose disk died must know again what it protects. So in a copy of the database each place is encrypted (ChaCha20-Poly1305,
//! bound to its record); the key stays with the hub's other keys. Row by row, so that erasing one needs no key.

use super::super::{StoreError, Write, corrupt};
use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sqlx::SqliteConnection;

/// How the value of a locked row begins; that of any other begins with a brace.
const LOCKED: &str = "locked-1:";
/// Bytes of a nonce.
pub const NONCE: usize = NONCE_LEN;
/// What is bound to each value besides the record's id.
const PURPOSE: &[u8] = b"mutuald protected place 1\n";

/// The key that opens the protected places of backups.
pub struct PlacesKey(LessSafeKey);

impl PlacesKey {
    /// From its 32 secret bytes.
    pub fn new(secret: &[u8; 32]) -> PlacesKey {
        let key = UnboundKey::new(&CHACHA20_POLY1305, secret);
        PlacesKey(LessSafeKey::new(key.expect("a key of this cipher has 32 bytes, whichever they are")))
    }

    fn about(rec: &[u8]) -> Aad<Vec<u8>> {
        Aad::from([PURPOSE, rec].concat())
    }

    fn close(&self, rec: &[u8], value: &str, nonce: [u8; NONCE_LEN]) -> Option<String> {
        let mut text = value.as_bytes().to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(unique, PlacesKey::about(rec), &mut text).ok()?;
        Some(format!("{LOCKED}{}", STANDARD.encode([&nonce[..], &text, tag.as_ref()].concat())))
    }

    fn open(&self, rec: &[u8], locked: &str) -> Option<String> {
        let mut bytes = STANDARD.decode(locked.strip_prefix(LOCKED)?).ok()?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self.0.open_in_place(nonce, PlacesKey::about(rec), text).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }
}

async fn all(db: &mut SqliteConnection) -> Result<Vec<(Vec<u8>, String)>, StoreError> {
    sqlx::query_as("SELECT rec, value FROM protected ORDER BY rec").fetch_all(db).await
}

/// How many protected places there are: locked ones, and others.
///
/// # Errors
/// Database errors.
pub async fn count(db: &mut SqliteConnection) -> Result<(u64, u64), StoreError> {
    let rows = all(db).await?;
    let locked = rows.iter().filter(|(_, value)| value.starts_with(LOCKED)).count() as u64;
    Ok((locked, rows.len() as u64 - locked))
}

/// Locks every place of a copy of the database that is not locked yet, and takes out what else would tell of one: digests by
/// which an import knows its record again (of name and postcode, so that who has the name could try out every postcode), and
/// words that wait because they hold a postcode of one. `nonce` gives bytes that were never given before.
///
/// # Errors
/// Database errors.
pub async fn lock(
    db: &mut Write,
    key: &PlacesKey,
    mut nonce: impl FnMut() -> [u8; NONCE_LEN],
) -> Result<u64, StoreError> {
    let mut done = 0;
    for (rec, value) in all(db).await?.into_iter().filter(|(_, value)| !value.starts_with(LOCKED)) {
        let locked = key.close(&rec, &value, nonce()).ok_or_else(|| corrupt("protected.value"))?;
        write(db, &rec, &locked).await?;
        done += 1;
    }
    for sql in [
        "DELETE FROM import_key WHERE rec IN (SELECT rec FROM protected)",
        "DELETE FROM held WHERE instr(found, '\"kind\":\"place\"') > 0",
    ] {
        sqlx::query(sql).execute(&mut **db).await?;
    }
    Ok(done)
}

/// Opens every locked place of a restored copy. `None`: the key is another one, and nothing was changed.
///
/// # Errors
/// Database errors.
pub async fn unlock(db: &mut Write, key: &PlacesKey) -> Result<Option<u64>, StoreError> {
    let rows = all(db).await?.into_iter().filter(|(_, value)| value.starts_with(LOCKED));
    let Some(opened) =
        rows.map(|(rec, value)| Some((key.open(&rec, &value)?, rec))).collect::<Option<Vec<(String, Vec<u8>)>>>()
    else {
        return Ok(None);
    };
    for (value, rec) in &opened {
        write(db, rec, value).await?;
    }
    Ok(Some(opened.len() as u64))
}

async fn write(db: &mut Write, rec: &[u8], value: &str) -> Result<(), StoreError> {
    let sql = "UPDATE protected SET value = ? WHERE rec = ?";
    sqlx::query(sql).bind(value).bind(rec).execute(&mut **db).await.map(drop)
}

/// Lets go of the locked places of a restored copy, whose key is lost. Returns of how many nothing had ever been signed: only
/// this table knew that those groups must stay unknown.
///
/// # Errors
/// Database errors.
pub async fn forget_locked(db: &mut Write) -> Result<u64, StoreError> {
    let unknown: i64 =
        sqlx::query_scalar("SELECT count(*) FROM protected WHERE level IN ('unlisted', 'sealed') AND value LIKE ?")
            .bind(format!("{LOCKED}%"))
            .fetch_one(&mut **db)
            .await?;
    let sql = "DELETE FROM protected WHERE value LIKE ?";
    sqlx::query(sql).bind(format!("{LOCKED}%")).execute(&mut **db).await?;
    Ok(unknown as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_place_opens_with_its_key_for_its_record_and_not_otherwise() {
        let (key, other) = (PlacesKey::new(&[7; 32]), PlacesKey::new(&[8; 32]));
        let locked = key.close(b"one", "{\"place\":\"Quorlick Mill\"}", [1; NONCE_LEN]).unwrap();
        assert!(!locked.contains("Quorlick"), "{locked}");
        assert_eq!(key.open(b"one", &locked).as_deref(), Some("{\"place\":\"Quorlick Mill\"}"));
        for (key, rec, text) in [
            (&other, "one", locked.as_str()),
            (&key, "two", locked.as_str()),
            (&key, "one", &locked[..locked.len() - 4]),
            (&key, "one", "locked-1:AAAA"),
            (&key, "one", "{}"),
        ] {
            assert_eq!(key.open(rec.as_bytes(), text), None, "{text}");
        }
    }
}
