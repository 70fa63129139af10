extension FileSystem {
    /// Other settings from now on, of those that may change while the volume is mounted; see
    /// `VolumeState.reconfigure`. What was answered or cached before keeps the times that it was given.
    package func reconfigure(_ new: VolumeConfiguration) {
        withState { $0.reconfigure(new) }
        pump()
    }
}
