//! Log lines as terraform reads them from a provider: one JSON object a line, on standard error.

use std::fmt;
use std::io::Write;

use serde_json::{Map, Value as Json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

/// Sends everything of at least `level` to standard error, named after `module`.
///
/// `level` is what the user's `TF_LOG_PROVIDER` or `TF_LOG` says; nothing and unknown words mean warnings and errors.
/// Only the first call in a process has an effect.
pub fn install(module: &'static str, level: Option<&str>) {
    let level = match level.unwrap_or_default().to_ascii_lowercase().as_str() {
        "trace" | "json" => LevelFilter::TRACE,
        "debug" => LevelFilter::DEBUG,
        "info" => LevelFilter::INFO,
        "error" => LevelFilter::ERROR,
        "off" => LevelFilter::OFF,
        _ => LevelFilter::WARN,
    };
    let subscriber = tracing_subscriber::registry().with(Hclog { module }.with_filter(level));
    // A second call finds a subscriber in place and leaves it there.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

struct Hclog {
    module: &'static str,
}

impl<S: Subscriber> Layer<S> for Hclog {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let line = line(self.module, event);
        // A log line that cannot be written has nobody to report to.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

fn line(module: &str, event: &Event<'_>) -> String {
    let mut fields = Fields(Map::new());
    event.record(&mut fields);
    let level = match *event.metadata().level() {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    };
    let mut object = Map::new();
    object.insert("@level".to_owned(), level.into());
    object.insert("@message".to_owned(), fields.0.remove("message").unwrap_or_default());
    object.insert("@module".to_owned(), module.into());
    object
        .insert("@timestamp".to_owned(), jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string().into());
    object.append(&mut fields.0);
    Json::Object(object).to_string() + "\n"
}

struct Fields(Map<String, Json>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}
