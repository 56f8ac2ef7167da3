//! Values in the form that duroxide's typed activities and orchestrations store them: a
//! string as it is, anything else as JSON (the codec of duroxide's `register_typed`).

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Writes a value.
pub(super) fn encode<T: Serialize>(value: &T) -> Result<String, String> {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => Ok(text),
        Ok(value) => Ok(value.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads a value: as JSON, or else as a plain string.
pub(super) fn decode<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let plain = || serde_json::from_value(Value::String(text.to_owned()));
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        Err(error) => plain().map_err(|_| error.to_string()),
    }
}
