//! Settings whose doc comments are also available to the program, for `trainer config`.

/// Declares a struct and gives it `KEYS`: the name and the doc comment of each field.
macro_rules! documented {
    (
        $(#[$struct_meta:meta])*
        pub(crate) struct $name:ident {
            $( $(#[$meta:meta])* pub(crate) $field:ident: $type:ty, )*
        }
    ) => {
        $(#[$struct_meta])*
        pub(crate) struct $name {
            $( $(#[$meta])* pub(crate) $field: $type, )*
        }

        impl $name {
            /// The name and the attributes of each field, in order.
            pub(crate) const KEYS: &'static [$crate::documented::Key] = &[
                $( (stringify!($field), &[$(stringify!($meta)),*]), )*
            ];
        }
    };
}
pub(crate) use documented;

/// The name of a field, and its attributes as source text. The compiler turns a doc comment into
/// the attribute `doc = r" text"`.
pub(crate) type Key = (&'static str, &'static [&'static str]);

/// Returns the text of the doc comments among a field's attributes, on one line.
pub(crate) fn description(attributes: &[&str]) -> String {
    let lines = attributes.iter().filter_map(|attribute| doc_text(attribute));
    lines.map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Returns the text of a raw string literal in `doc = r"text"` or `doc = r#"text"#`. `stringify` may break the line
/// before the literal.
fn doc_text(attribute: &str) -> Option<&str> {
    let literal = attribute.strip_prefix("doc =")?.trim_start().strip_prefix('r')?;
    let hashes = literal.bytes().take_while(|&byte| byte == b'#').count();
    literal.get(hashes + 1..literal.len().checked_sub(hashes + 1)?)
}

#[cfg(test)]
mod tests {
    use super::description;

    documented! {
        #[derive(Debug)]
        #[allow(dead_code)] // only its documentation is used
        pub(crate) struct Example {
            /// Posters per step, on two lines
            /// with "quotes"
            #[allow(clippy::struct_field_names)]
            pub(crate) batch_size: usize,
        }
    }

    #[test]
    fn describes_a_field_by_its_doc_comment() {
        let [(name, attributes)] = Example::KEYS else { panic!("one field") };
        assert_eq!(*name, "batch_size");
        let expected = "Posters per step, on two lines with \"quotes\"";
        assert_eq!(description(attributes), expected);
    }
}
