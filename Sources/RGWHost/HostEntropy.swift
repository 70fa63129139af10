import CRGWHost
import RGWBase

/// The kernel's random numbers. Source: getrandom(2).
package struct HostEntropy: Entropy {
    package init() {}
    package func next() -> UInt64 { CRGWHost_random() }
}
