//! Whether a value fits a schema of ours.

use serde_json::{Map, Value};

/// Where a value does not fit the schema of this name; nothing if it does. `schemas` is what
/// `espial schema` writes: an object of the schemas by name.
///
/// Reads the part of JSON Schema (2020-12) that ours use, and is stricter in one thing: a field
/// that the schema does not describe is no contract, and does not fit. A keyword or a pattern that
/// is not known here does not fit either, so that nothing is passed over in silence.
pub fn misfits(value: &Value, name: &str, schemas: &Value) -> Vec<String> {
    let mut check = Check {
        schemas,
        wrong: Vec::new(),
    };
    match schemas.get(name) {
        Some(schema) => check.value(value, schema, schema, ""),
        None => check.wrong.push(format!("{name}: no such schema")),
    }
    check.wrong
}

struct Check<'s> {
    schemas: &'s Value,
    wrong: Vec<String>,
}

impl<'s> Check<'s> {
    /// Holds a value against a schema that stands in the document `root`; `at` is its place.
    fn value(&mut self, value: &Value, schema: &'s Value, root: &'s Value, at: &str) {
        if let Some(reference) = schema["$ref"].as_str() {
            return match self.resolve(reference, root) {
                Some((schema, root)) => self.value(value, schema, root, at),
                None => self.wrong.push(format!("{at}: {reference} leads nowhere")),
            };
        }
        if let Some(any) = schema["anyOf"].as_array() {
            let mut trial = Check {
                schemas: self.schemas,
                wrong: Vec::new(),
            };
            for schema in any {
                trial.wrong.clear();
                trial.value(value, schema, root, at);
                if trial.wrong.is_empty() {
                    return;
                }
            }
            return self.wrong.push(format!("{at}: fits none: {value}"));
        }
        for (keyword, asked) in schema.as_object().into_iter().flatten() {
            match allows(keyword, asked, value) {
                Some(true) => {}
                Some(false) => self
                    .wrong
                    .push(format!("{at}: not {keyword} {asked}: {value}")),
                None => self
                    .wrong
                    .push(format!("{at}: {keyword} {asked} is not known here")),
            }
        }
        match value {
            Value::Object(members) => self.members(members, schema, root, at),
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.value(item, &schema["items"], root, &format!("{at}/{i}"));
                }
            }
            _ => {}
        }
    }

    fn members(
        &mut self,
        members: &Map<String, Value>,
        schema: &'s Value,
        root: &'s Value,
        at: &str,
    ) {
        let required = schema["required"].as_array().into_iter().flatten();
        for required in required.filter_map(Value::as_str) {
            if !members.contains_key(required) {
                self.wrong.push(format!("{at}: {required} is missing"));
            }
        }
        for (key, member) in members {
            match schema["properties"].get(key) {
                Some(schema) => self.value(member, schema, root, &format!("{at}/{key}")),
                None => self.wrong.push(format!("{at}/{key}: not described")),
            }
        }
    }

    /// What a reference leads to, and the document that stands in: this one, or one by its `$id`.
    fn resolve(&self, reference: &str, root: &'s Value) -> Option<(&'s Value, &'s Value)> {
        let (document, pointer) = reference.split_once('#')?;
        let root = match document {
            "" => root,
            id => {
                let mut all = self.schemas.as_object()?.values();
                all.find(|schema| schema["$id"] == id)?
            }
        };
        Some((root.pointer(pointer)?, root))
    }
}

/// Whether a keyword allows a value; `None` if it is not known here.
fn allows(keyword: &str, asked: &Value, value: &Value) -> Option<bool> {
    let counted = |compare: fn(u64, u64) -> bool| {
        let items = value.as_array()?.len() as u64;
        Some(compare(items, asked.as_u64()?))
    };
    match keyword {
        "type" => match asked {
            Value::Array(any) => any
                .iter()
                .try_fold(false, |met, one| Some(met | is(one, value)?)),
            one => is(one, value),
        },
        "enum" => Some(asked.as_array()?.contains(value)),
        "const" => Some(asked == value),
        "minimum" => Some(value.as_i64().is_none_or(|n| Some(n) >= asked.as_i64())),
        // What is no list is turned away by its type, if at all.
        "minItems" => Some(counted(|items, least| items >= least).unwrap_or(true)),
        "maxItems" => Some(counted(|items, most| items <= most).unwrap_or(true)),
        "pattern" => value
            .as_str()
            .map_or(Some(true), |text| matches(asked.as_str()?, text)),
        "$schema" | "$id" | "$defs" | "title" | "description" | "items" | "properties"
        | "required" => Some(true),
        _ => None,
    }
}

fn is(kind: &Value, value: &Value) -> Option<bool> {
    Some(match kind.as_str()? {
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => return None,
    })
}

/// Whether a text matches one of the patterns that ours use: hex digits, so many, or in pairs.
fn matches(pattern: &str, text: &str) -> Option<bool> {
    let (digits, right): (&str, fn(usize) -> bool) = match pattern {
        "^0x[0-9a-f]{8}$" => match text.strip_prefix("0x") {
            Some(digits) => (digits, |count| count == 8),
            None => return Some(false),
        },
        "^[0-9a-f]{16}$" => (text, |count| count == 16),
        "^([0-9a-f]{2})*$" => (text, |count| count % 2 == 0),
        _ => return None,
    };
    let hex = |octet: u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
    Some(digits.bytes().all(hex) && right(digits.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Where a value does not fit a schema with one field `f`.
    fn told(field: Value, value: Value) -> Vec<String> {
        let schema = json!({"type": "object", "required": ["f"], "properties": {"f": field}});
        misfits(&value, "name", &json!({"name": schema}))
    }

    #[test]
    fn what_fits_is_told_from_what_does_not() {
        for (field, right, wrong) in [
            (json!({"type": "integer", "minimum": 1}), json!(1), json!(0)),
            (json!({"type": ["string", "null"]}), json!(null), json!(7)),
            (json!({"enum": ["a", "b"]}), json!("b"), json!("c")),
            (json!({"const": 9}), json!(9), json!(8)),
            (json!({"items": {}, "minItems": 1}), json!([1]), json!([])),
            (
                json!({"items": {}, "maxItems": 1}),
                json!([1]),
                json!([1, 2]),
            ),
            (
                json!({"items": {"type": "null"}}),
                json!([null]),
                json!([0]),
            ),
            (
                json!({"pattern": "^[0-9a-f]{16}$"}),
                json!("00000000000000ff"),
                json!("ff"),
            ),
            (
                json!({"pattern": "^0x[0-9a-f]{8}$"}),
                json!("0x000000ff"),
                json!("000000ff"),
            ),
            (
                json!({"pattern": "^([0-9a-f]{2})*$"}),
                json!(""),
                json!("fFf"),
            ),
            (
                json!({"anyOf": [{"const": 1}, {"const": 2}]}),
                json!(2),
                json!(3),
            ),
        ] {
            assert_eq!(told(field.clone(), json!({"f": right})), [""; 0]);
            assert_eq!(told(field, json!({"f": wrong})).len(), 1, "{wrong}");
        }
        let any = || json!({});
        assert_eq!(told(any(), json!({})), [": f is missing"]);
        assert_eq!(told(any(), json!({"f": 1, "g": 2})), ["/g: not described"]);
    }

    #[test]
    fn what_is_not_known_here_is_not_passed_over() {
        for field in [
            json!({"type": "date"}),
            json!({"format": "uri"}),
            json!({"pattern": "^a+$"}),
            json!({"$ref": "#/nowhere"}),
        ] {
            assert_eq!(told(field.clone(), json!({"f": "a"})).len(), 1, "{field}");
        }
        assert_eq!(misfits(&json!(1), "other", &json!({})).len(), 1);
    }
}
