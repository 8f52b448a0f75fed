//! The server's interface for agents.

use poolwatch_protocol::v1::messages::{
    EnrolReply, EnrolRequest, EventsReply, EventsRequest, FRAMES_CONTENT_TYPE, FramesReply,
    InventoryReply, InventoryRequest, ScansRequest, TagListRequest,
};
use serde::{Deserialize, Serialize};

use super::{
    error::UploadError,
    http::{ClientOptions, Post},
    sender::Sender,
};

/// Speaks to one server, by the thread that sends.
#[derive(Debug, Clone)]
pub struct Client {
    sender: Sender,
    options: ClientOptions,
}

/// What an agent asks of its server.
#[expect(async_fn_in_trait, reason = "the agent has one thread for all that waits")]
pub trait AgentServer {
    /// The server's address, without a slash at its end.
    fn base(&self) -> &str;

    /// Enrols this host.
    ///
    /// # Errors
    /// When the server cannot be reached or does not take it.
    async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolReply, UploadError>;

    /// Sends a batch of frames.
    ///
    /// # Errors
    /// When the server cannot be reached or does not take it.
    async fn frames(&self, key: &str, batch: Vec<u8>) -> Result<FramesReply, UploadError>;

    /// Sends events.
    ///
    /// # Errors
    /// When the server cannot be reached or does not take them.
    async fn events(&self, key: &str, request: &EventsRequest) -> Result<EventsReply, UploadError>;

    /// Sends what is installed on the host.
    ///
    /// # Errors
    /// When the server cannot be reached or does not take it.
    async fn inventory(
        &self,
        key: &str,
        request: &InventoryRequest,
    ) -> Result<InventoryReply, UploadError>;

    /// Sends scans of driver files.
    ///
    /// # Errors
    /// When the server cannot be reached or does not take them.
    async fn scans(&self, key: &str, request: &ScansRequest) -> Result<(), UploadError>;

    /// Sends a pooltag.txt.
    ///
    /// # Errors
    /// When the server cannot be reached or does not take it.
    async fn tag_list(&self, key: &str, request: &TagListRequest) -> Result<(), UploadError>;
}

impl Client {
    /// A client of a server. Whether it can be reached this way shows when something is sent.
    #[must_use]
    pub fn new(sender: Sender, options: ClientOptions) -> Self {
        let server_url = options.server_url.trim_end_matches('/').to_owned();
        Self { sender, options: ClientOptions { server_url, ..options } }
    }

    /// Posts a body of some type; an answer that is no success becomes an error.
    async fn send(
        &self,
        what: &'static str,
        key: Option<&str>,
        (content_type, body): (&'static str, Vec<u8>),
    ) -> Result<Vec<u8>, UploadError> {
        let post = Post { what, key: key.map(str::to_owned), content_type, body };
        self.sender.send(self.options.clone(), post).await
    }
}

impl AgentServer for Client {
    fn base(&self) -> &str {
        &self.options.server_url
    }

    async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolReply, UploadError> {
        reply(&self.send("enrol", None, json(request)?).await?)
    }

    async fn frames(&self, key: &str, batch: Vec<u8>) -> Result<FramesReply, UploadError> {
        reply(&self.send("frames", Some(key), (FRAMES_CONTENT_TYPE, batch)).await?)
    }

    async fn events(&self, key: &str, request: &EventsRequest) -> Result<EventsReply, UploadError> {
        reply(&self.send("events", Some(key), json(request)?).await?)
    }

    async fn inventory(
        &self,
        key: &str,
        request: &InventoryRequest,
    ) -> Result<InventoryReply, UploadError> {
        let body = self.send("inventory", Some(key), json(request)?).await?;
        // Servers of version 0.1 answer without content, and ask for nothing.
        if body.is_empty() { Ok(InventoryReply::default()) } else { reply(&body) }
    }

    async fn scans(&self, key: &str, request: &ScansRequest) -> Result<(), UploadError> {
        self.send("scans", Some(key), json(request)?).await.map(|_| ())
    }

    async fn tag_list(&self, key: &str, request: &TagListRequest) -> Result<(), UploadError> {
        self.send("tag-list", Some(key), json(request)?).await.map(|_| ())
    }
}

fn json(body: &impl Serialize) -> Result<(&'static str, Vec<u8>), UploadError> {
    let body = serde_json::to_vec(body).map_err(|error| UploadError::Content(error.to_string()))?;
    Ok(("application/json", body))
}

fn reply<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, UploadError> {
    serde_json::from_slice(body).map_err(|error| UploadError::Strange(error.to_string()))
}
