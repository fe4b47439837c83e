//! The services of go-plugin beside the provider's own: shutdown, output, health.

use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::Mode;
use crate::wire::goplugin::grpc_controller_server::GrpcController;
use crate::wire::goplugin::grpc_stdio_server::GrpcStdio;
use crate::wire::goplugin::{Empty, StdioData};
use crate::wire::health;

/// Ends the server when the client says so.
pub(super) struct Controller {
    pub(super) shutdown: CancellationToken,
    pub(super) mode: Mode,
}

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        // A warm server outlives its clients.
        if self.mode == Mode::Plugin {
            self.shutdown.cancel();
        }
        Ok(Response::new(Empty {}))
    }
}

/// Holds the stream of output open; nothing is ever sent, because nothing here writes to standard output.
pub(super) struct Stdio {
    pub(super) shutdown: CancellationToken,
}

#[tonic::async_trait]
impl GrpcStdio for Stdio {
    type StreamStdioStream = ReceiverStream<Result<StdioData, Status>>;

    async fn stream_stdio(&self, _request: Request<()>) -> Result<Response<Self::StreamStdioStream>, Status> {
        // The sender is dropped, and so the stream ends, when the server does or the client has gone.
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let shutdown = self.shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => (),
                () = sender.closed() => (),
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

/// Answers that the plugin lives.
pub(super) struct Health;

#[tonic::async_trait]
impl health::health_server::Health for Health {
    async fn check(
        &self,
        request: Request<health::HealthCheckRequest>,
    ) -> Result<Response<health::HealthCheckResponse>, Status> {
        match request.into_inner().service.as_str() {
            "" | "plugin" => Ok(Response::new(health::HealthCheckResponse {
                status: health::health_check_response::ServingStatus::Serving.into(),
            })),
            other => Err(Status::not_found(format!("there is no service {other:?}"))),
        }
    }
}
