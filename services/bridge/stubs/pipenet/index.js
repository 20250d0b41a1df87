throw new Error("pipenet is not installed: the bridge opens no tunnels");
