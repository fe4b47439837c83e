//! The one call that answers with a stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_util::sync::DropGuard;
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

use super::service::{Work, refusal};
use crate::Error;
use crate::provider::{ListEvent, ListRequest};
use crate::wire::tfplugin6::list_resource::Event;
use crate::wire::{diagnostic, value};

/// How many listed objects wait for the client.
const BUFFER: usize = 16;

/// The events of one list call; dropping it, as a client that has enough does, ends the listing.
pub(super) struct Events {
    replies: mpsc::Receiver<Result<Event, Status>>,
    _guard: DropGuard,
    _listing: AbortOnDropHandle<()>,
}

impl Stream for Events {
    type Item = Result<Event, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.replies.poll_recv(context)
    }
}

/// Starts listing; each object goes to the client as soon as it is known.
pub(super) fn start(work: Work, guard: DropGuard, asked: ListRequest) -> Events {
    let (sender, replies) = mpsc::channel(1);
    let listing = AbortOnDropHandle::new(tokio::spawn(list(Arc::new(work), asked, sender)));
    Events { replies, _guard: guard, _listing: listing }
}

async fn list(work: Arc<Work>, asked: ListRequest, replies: mpsc::Sender<Result<Event, Status>>) {
    let (type_name, limit) = (asked.resource_type.clone(), asked.limit);
    let (sender, mut events) = mpsc::channel(BUFFER);
    let passing = async {
        let mut n_sent = 0;
        while let Some(event) = events.recv().await {
            if replies.send(encode(&work, &type_name, event)).await.is_err() {
                break;
            }
            n_sent += 1;
            if n_sent == limit {
                break;
            }
        }
        events.close();
    };
    let ((), listed) = tokio::join!(passing, work.provider.list_resource(&work.call, asked, sender));
    let last = match listed {
        Ok(((), diagnostics)) => Ok(diagnostics),
        Err(error) => refusal(&error).map(|diagnostic| vec![diagnostic]),
    };
    let last = match last {
        Ok(diagnostics) if diagnostics.is_empty() => return,
        Ok(diagnostics) => Ok(Event { diagnostic: diagnostic::encode_all(&diagnostics), ..Event::default() }),
        Err(status) => Err(status),
    };
    // A client that is gone needs no answer.
    let _ = replies.send(last).await;
}

fn encode(work: &Work, type_name: &str, event: ListEvent) -> Result<Event, Status> {
    let encoded = || {
        let identity_schema = work.schema.identities.get(type_name);
        let resource_object = match event.resource {
            Some(resource) => Some(value::encode_block(work.operation, resource, work.resource(type_name)?)?),
            None => None,
        };
        Ok::<_, Error>(Event {
            identity: value::encode_identity(work.operation, event.identity.as_ref(), identity_schema)?,
            display_name: event.display_name,
            resource_object,
            diagnostic: diagnostic::encode_all(&event.diagnostics),
        })
    };
    encoded().map_err(|error| Status::internal(error.to_string()))
}
