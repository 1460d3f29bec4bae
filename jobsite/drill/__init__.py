"""`jobsite drill`: a platform of its own is started, loaded and harmed, and the promise is counted after."""
