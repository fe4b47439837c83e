//! One client for both versions of the protocol.
//!
//! Every call below takes and gives the messages of protocol 6: those of protocol 5 that differ are the two that are
//! written out.

use tonic::transport::Channel;
use tonic::{Code, Response, Status, Streaming};

use crate::wire::goplugin::Empty;
use crate::wire::goplugin::grpc_controller_client::GrpcControllerClient;
use crate::wire::tfplugin5::provider_client::ProviderClient as ProviderClient5;
use crate::wire::tfplugin6::provider_client::ProviderClient as ProviderClient6;
use crate::wire::{schema, tfplugin5, tfplugin6 as wire};
use crate::{Error, MESSAGE_LIMIT, ProviderSchema};

/// Can send the allow-listed calls, and no other.
pub(super) struct Client {
    version: Version,
    controller: GrpcControllerClient<Channel>,
}

enum Version {
    Five(ProviderClient5<Channel>),
    Six(ProviderClient6<Channel>),
}

/// What a provider answers when it is asked for its schemas.
pub(super) struct SchemaReply {
    pub(super) schema: Result<ProviderSchema, Error>,
    pub(super) diagnostics: Vec<wire::Diagnostic>,
    /// Whether another process of this provider need not be asked before it is used.
    pub(super) is_optional: bool,
}

fn is_optional(capabilities: Option<&wire::ServerCapabilities>) -> bool {
    capabilities.is_some_and(|capabilities| capabilities.get_provider_schema_optional)
}

macro_rules! calls {
    ($($name:ident / $name_in_5:ident: $module:ident),* $(,)?) => {
        $(pub(super) async fn $name(&self, request: wire::$module::Request) -> Result<wire::$module::Response, Status> {
            match &self.version {
                Version::Five(client) => client.clone().$name_in_5(request).await,
                Version::Six(client) => client.clone().$name(request).await,
            }
            .map(Response::into_inner)
        })*
    };
}

impl Client {
    /// Makes the client for a version; `None` where we do not speak it.
    pub(super) fn new(protocol_version: u32, channel: Channel) -> Option<Self> {
        let controller = GrpcControllerClient::new(channel.clone());
        let version = match protocol_version {
            5 => Version::Five(
                ProviderClient5::new(channel)
                    .max_decoding_message_size(MESSAGE_LIMIT)
                    .max_encoding_message_size(MESSAGE_LIMIT),
            ),
            6 => Version::Six(
                ProviderClient6::new(channel)
                    .max_decoding_message_size(MESSAGE_LIMIT)
                    .max_encoding_message_size(MESSAGE_LIMIT),
            ),
            _ => return None,
        };
        Some(Self { version, controller })
    }

    pub(super) fn protocol_version(&self) -> u32 {
        match self.version {
            Version::Five(_) => 5,
            Version::Six(_) => 6,
        }
    }

    calls! {
        call_function / call_function: call_function,
        configure_provider / configure: configure_provider,
        generate_resource_config / generate_resource_config: generate_resource_config,
        get_resource_identity_schemas / get_resource_identity_schemas: get_resource_identity_schemas,
        import_resource_state / import_resource_state: import_resource_state,
        move_resource_state / move_resource_state: move_resource_state,
        plan_resource_change / plan_resource_change: plan_resource_change,
        read_data_source / read_data_source: read_data_source,
        read_resource / read_resource: read_resource,
        stop_provider / stop: stop_provider,
        upgrade_resource_identity / upgrade_resource_identity: upgrade_resource_identity,
        upgrade_resource_state / upgrade_resource_state: upgrade_resource_state,
        validate_data_resource_config / validate_data_source_config: validate_data_resource_config,
        validate_list_resource_config / validate_list_resource_config: validate_list_resource_config,
        validate_resource_config / validate_resource_type_config: validate_resource_config,
    }

    /// Gives the schemas, without identities, and what the provider says about them.
    pub(super) async fn get_provider_schema(&self) -> Result<SchemaReply, Status> {
        let request = wire::get_provider_schema::Request {};
        match &self.version {
            Version::Five(client) => {
                let mut reply = client.clone().get_schema(request).await?.into_inner();
                Ok(SchemaReply {
                    diagnostics: std::mem::take(&mut reply.diagnostics),
                    is_optional: is_optional(reply.server_capabilities.as_ref()),
                    schema: schema::decode_provider_5(reply),
                })
            }
            Version::Six(client) => {
                let mut reply = client.clone().get_provider_schema(request).await?.into_inner();
                Ok(SchemaReply {
                    diagnostics: std::mem::take(&mut reply.diagnostics),
                    is_optional: is_optional(reply.server_capabilities.as_ref()),
                    schema: schema::decode_provider_6(reply),
                })
            }
        }
    }

    /// Gives the identity schemas; a provider of before 2025 does not know the call and has none.
    pub(super) async fn known_identity_schemas(&self) -> Result<wire::get_resource_identity_schemas::Response, Status> {
        match self.get_resource_identity_schemas(wire::get_resource_identity_schemas::Request {}).await {
            Err(status) if status.code() == Code::Unimplemented => {
                Ok(wire::get_resource_identity_schemas::Response::default())
            }
            answered => answered,
        }
    }

    pub(super) async fn validate_provider_config(
        &self,
        config: wire::DynamicValue,
    ) -> Result<Vec<wire::Diagnostic>, Status> {
        match &self.version {
            Version::Five(client) => {
                let request = tfplugin5::prepare_provider_config::Request { config: Some(config) };
                Ok(client.clone().prepare_provider_config(request).await?.into_inner().diagnostics)
            }
            Version::Six(client) => {
                let request = wire::validate_provider_config::Request { config: Some(config) };
                Ok(client.clone().validate_provider_config(request).await?.into_inner().diagnostics)
            }
        }
    }

    pub(super) async fn list_resource(
        &self,
        request: wire::list_resource::Request,
    ) -> Result<Streaming<wire::list_resource::Event>, Status> {
        match &self.version {
            Version::Five(client) => client.clone().list_resource(request).await,
            Version::Six(client) => client.clone().list_resource(request).await,
        }
        .map(Response::into_inner)
    }

    pub(super) async fn shutdown(&self) -> Result<(), Status> {
        self.controller.clone().shutdown(Empty {}).await.map(drop)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::convert::Infallible;
    use std::task::{Context, Poll};

    use hyper_util::rt::TokioIo;
    use tonic::body::Body;
    use tonic::codegen::http;
    use tonic::server::NamedService;

    use super::*;

    /// Answers every call of protocol 6 with one status.
    #[derive(Clone)]
    struct Answers(Code);

    impl NamedService for Answers {
        const NAME: &'static str = "tfplugin6.Provider";
    }

    impl tower::Service<http::Request<Body>> for Answers {
        type Response = http::Response<Body>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _request: http::Request<Body>) -> Self::Future {
            std::future::ready(Ok(Status::new(self.0, "on request").into_http()))
        }
    }

    async fn client_of(code: Code) -> Client {
        let (near, far) = tokio::io::duplex(64 << 10);
        let server = tonic::transport::Server::builder().add_service(Answers(code));
        tokio::spawn(server.serve_with_incoming(tokio_stream::once(Ok::<_, std::io::Error>(far))));
        let mut near = Some(near);
        let connector = tower::service_fn(move |_| {
            std::future::ready(near.take().map(TokioIo::new).ok_or_else(|| std::io::Error::other("connected once")))
        });
        let channel = Channel::from_static("http://plugin.invalid").connect_with_connector(connector).await.unwrap();
        Client::new(6, channel).unwrap()
    }

    #[tokio::test]
    async fn a_provider_without_the_call_has_no_identities() {
        let client = client_of(Code::Unimplemented).await;
        assert!(client.known_identity_schemas().await.unwrap().identity_schemas.is_empty());
    }

    #[tokio::test]
    async fn a_provider_that_fails_at_identities_fails() {
        let client = client_of(Code::Internal).await;
        assert_eq!(client.known_identity_schemas().await.unwrap_err().code(), Code::Internal);
    }
}
