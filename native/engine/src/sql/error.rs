//! TiDB's errors by their numbers.

use std::fmt::Display;
use std::io;

use mysql_async::{DriverError, Error as MysqlError, IoError, ServerError};
use tokio_rustls::rustls;

use crate::error::{Error, ErrorKind};

/// Of a statement that is quoted in a message, characters.
const QUOTED: usize = 400;

/// The kind of an error of the server. Numbers are MySQL's and TiDB's (`pkg/errno`).
fn kind(code: u16) -> ErrorKind {
    match code {
        1007 => ErrorKind::NamespaceExists,
        1008 | 1049 => ErrorKind::NamespaceNotFound,
        1050 => ErrorKind::TableExists,
        1051 | 1146 => ErrorKind::TableNotFound,
        1054 | 1072 => ErrorKind::ColumnNotFound,
        // Wrong password, host or plugin; no privilege for a database, table, column or statement; a password that has expired.
        1044 | 1045 | 1130 | 1142 | 1143 | 1227 | 1524 | 1698 | 1820 | 1862 | 8121 => ErrorKind::AccessDenied,
        // --require-secure-transport, or a user made with REQUIRE SSL.
        3159 => ErrorKind::Tls,
        _ => ErrorKind::Sql,
    }
}

/// An error that TiDB answered while connecting.
pub(super) fn of_handshake(error: &ServerError, address: &str) -> Error {
    let what = match kind(error.code) {
        ErrorKind::AccessDenied => "check tidb.user and the password",
        ErrorKind::Tls => "it wants TLS: set tls.ca",
        _ => "connecting failed",
    };
    let kind = match kind(error.code) {
        ErrorKind::Sql => ErrorKind::Unavailable,
        kind => kind,
    };
    Error::new(
        kind,
        format!("TiDB at {address} refuses the connection: {error}; {what}"),
    )
}

/// What a failed attempt to connect means; `None` when another address may do better.
pub(super) fn fatal(error: &MysqlError, address: &str) -> Option<Error> {
    let tls = |why: &str| Some(Error::new(ErrorKind::Tls, format!("TiDB at {address}: {why}")));
    match error {
        MysqlError::Server(server) if kind(server.code) != ErrorKind::Sql => Some(of_handshake(server, address)),
        MysqlError::Driver(DriverError::NoClientSslFlagFromServer) => {
            tls("the server has no TLS, and tls.ca asks for it; give TiDB a certificate (ssl-cert, ssl-key), nothing is sent in plain text")
        }
        MysqlError::Io(IoError::Tls(e)) => tls(&handshake_failed(e)),
        MysqlError::Io(IoError::Io(e)) => handshake_error(e).and_then(|e| tls(&handshake_failed(e))),
        MysqlError::Driver(DriverError::UnknownAuthPlugin { name }) => Some(Error::new(
            ErrorKind::AccessDenied,
            format!(
                "TiDB at {address} wants the authentication plugin {name}, which is not known here; \
                 use a user with caching_sha2_password or mysql_native_password"
            ),
        )),
        MysqlError::Driver(DriverError::CleartextPluginDisabled | DriverError::MysqlOldPasswordDisabled) => Some(Error::new(
            ErrorKind::AccessDenied,
            format!("TiDB at {address} asks for the password in a form that is not safe; use a user with caching_sha2_password"),
        )),
        _ => None,
    }
}

fn handshake_failed(error: &dyn Display) -> String {
    format!("the handshake failed: {error}; check tls.ca, tls.cert and tls.key")
}

/// What rustls says of a certificate, an authority or the other side comes as the reason of an I/O error.
fn handshake_error(error: &io::Error) -> Option<&rustls::Error> {
    let reason = error.get_ref()?;
    match reason.downcast_ref::<io::Error>() {
        Some(inner) => handshake_error(inner),
        None => reason.downcast_ref::<rustls::Error>(),
    }
}

/// An error of a statement.
///
/// # Arguments
/// * `statement` - `None` for the user's own words, which may hold secrets
pub(super) fn of_statement(error: &MysqlError, address: &str, statement: Option<&str>) -> Error {
    let quoted = statement.map_or(String::new(), |statement| {
        let short: String = statement.chars().take(QUOTED).collect();
        let more = if short.len() < statement.len() { " ..." } else { "" };
        format!("\n{short}{more}")
    });
    match error {
        MysqlError::Server(server) => Error::new(kind(server.code), format!("TiDB refused the statement: {server}{quoted}")),
        other => Error::new(
            ErrorKind::Unavailable,
            format!(
                "the connection to TiDB at {address} broke while it ran the statement ({other}): whether it has happened is not known{quoted}"
            ),
        ),
    }
}
