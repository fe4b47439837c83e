//! A tiny provider that shares no code with ours: our host must drive it.

use std::collections::HashMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::schema::{Attribute, AttributeConstraint, AttributeType, Block, Description, Schema};
use tf_provider::value::{ValueEmpty, ValueList, ValueString};
use tf_provider::{DataSource, Diagnostics, DynamicDataSource, Provider, map};

struct Demo;

#[async_trait]
impl Provider for Demo {
    type Config<'a> = ValueEmpty;
    type MetaState<'a> = ValueEmpty;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<Schema> {
        Some(Schema { version: 1, block: Block::default() })
    }

    fn get_data_sources(
        &self,
        _diagnostics: &mut Diagnostics,
    ) -> Option<HashMap<String, Box<dyn DynamicDataSource>>> {
        Some(map! { "words" => Words })
    }
}

struct Words;

#[derive(Serialize, Deserialize)]
struct WordsState<'a> {
    #[serde(borrow)]
    text: ValueString<'a>,
    #[serde(borrow)]
    words: ValueList<ValueString<'a>>,
}

#[async_trait]
impl DataSource for Words {
    type State<'a> = WordsState<'a>;
    type ProviderMetaState<'a> = ValueEmpty;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<Schema> {
        let attribute = |attr_type, constraint| Attribute { attr_type, constraint, ..Default::default() };
        Some(Schema {
            version: 1,
            block: Block {
                attributes: map! {
                    "text" => attribute(AttributeType::String, AttributeConstraint::Required),
                    "words" => attribute(AttributeType::List(AttributeType::String.into()), AttributeConstraint::Computed),
                },
                description: Description::plain("Splits a text into its words."),
                ..Default::default()
            },
        })
    }

    async fn validate<'a>(&self, diagnostics: &mut Diagnostics, config: Self::State<'a>) -> Option<()> {
        if config.text.as_deref_option() == Some("") {
            diagnostics.error("No text", "The text is empty.", tf_provider::AttributePath::new("text"));
        }
        Some(())
    }

    async fn read<'a>(
        &self,
        _diagnostics: &mut Diagnostics,
        config: Self::State<'a>,
        _meta: Self::ProviderMetaState<'a>,
    ) -> Option<Self::State<'a>> {
        let words = match config.text.as_deref_option() {
            Some(text) => text.split_whitespace().map(|word| ValueString::Value(word.to_owned().into())).collect(),
            None => Vec::new(),
        };
        Some(WordsState { text: config.text, words: ValueList::Value(words) })
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tf_provider::serve("demo", Demo).await
}
