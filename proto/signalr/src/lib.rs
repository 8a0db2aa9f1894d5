//! ASP.NET Core SignalR on the wire: negotiate, handshake, JSON and MessagePack hub protocols.
