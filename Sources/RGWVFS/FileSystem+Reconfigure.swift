import RGWBase

extension FileSystem {
    /// Other settings from now on, of those that may change while the volume is mounted; see
    /// `VolumeState.reconfigure`. What was answered or cached before keeps the times that it was given.
    package func reconfigure(_ new: VolumeConfiguration) {
        withState { $0.reconfigure(new) }
        pump()
    }

    /// The server has said that it is busy, and when it wants to be asked again.
    package func slowDown(retryAfter: Duration?) {
        let now = clock.now()
        withState { state in
            state.pace.slowDown(
                now, underWay: state.intents.underWayCount, retryAfter: retryAfter,
                most: state.configuration.uploadsMax)
        }
    }

    /// How many changes may be sent at the same time now.
    package var uploadsLimit: Int {
        let now = clock.now()
        return withState { $0.uploadsMax(now) }
    }
}
