//! Words: small enums that travel as a JSON text.
//!
//! Not serde's own enum form, because that also takes `{"online": null}` for `"online"`, quotes what it refuses, and says
//! nothing of which words there are.

/// Defines an enum whose variants are words on the wire. `Name else Variant` is open: a word that this version does not
/// know is read as that variant. Without `else` the enum is closed, and an unknown word does not fit.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident $(else $other:ident)? {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every variant with its word on the wire.
            pub const TABLE: &'static [($name, &'static str)] = &[$(($name::$variant, $word),)*];

            /// The word on the wire.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }

            /// The variant that a word is read as.
            pub fn from_word(word: &str) -> Option<$name> {
                match word {
                    $($word => Some($name::$variant),)*
                    _ => $crate::word::words!(@unknown $name $($other)?),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.word())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<$name, D::Error> {
                struct Word;

                impl serde::de::Visitor<'_> for Word {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("one of the texts", $(" ", $word,)*))
                    }

                    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<$name, E> {
                        let unknown = serde::de::Unexpected::Other("unknown word");
                        $name::from_word(word).ok_or_else(|| E::invalid_value(unknown, &self))
                    }
                }

                from.deserialize_str(Word)
            }
        }
    };
    (@unknown $name:ident $other:ident) => { Some($name::$other) };
    (@unknown $name:ident) => { None };
}

pub(crate) use words;
