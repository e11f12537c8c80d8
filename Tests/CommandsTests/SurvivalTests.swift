import Testing

@testable import Commands

/// Whether models outlive modelet, as the control group and the unit tell.
struct SurvivalTests {
    @Test(
        arguments: [
            ("0::/system.slice/modelet.service\n", .init(name: "modelet.service", isOfUser: false)),
            (
                "12:memory:/x.service\n1:name=systemd:/system.slice/modelet.service\n",
                .init(name: "modelet.service", isOfUser: false)
            ),
            (
                "0::/user.slice/user-1000.slice/user@1000.service/app.slice/modelet.service",
                .init(name: "modelet.service", isOfUser: true)
            ),
            // A login, a terminal, a container, no systemd at all.
            ("0::/user.slice/user-0.slice/session-3.scope\n", nil),
            ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-1.scope\n", nil),
            ("0::/\n", nil), ("", nil), ("4:cpu:/a.service\n", nil),
        ] as [(String, SurvivalThreat.Unit?)])
    func theUnitIsTheLastOfTheControlGroup(cgroup: String, unit: SurvivalThreat.Unit?) {
        #expect(SurvivalThreat.unit(cgroup: cgroup) == unit)
    }

    private static let unit = SurvivalThreat.Unit(name: "m.service", isOfUser: false)

    @Test(
        arguments: [
            (1, nil, nil, .isInit), (1, unit, "process\n", .isInit),
            (2, nil, nil, nil), (2, unit, "process\n", nil), (2, unit, "none\n", nil),
            (2, unit, "control-group\n", .unit("m.service", killMode: "control-group")),
            (2, unit, "mixed", .unit("m.service", killMode: "mixed")),
            (2, unit, nil, .unprovable(unit: "m.service")), (2, unit, "\n", .unprovable(unit: "m.service")),
        ] as [(Int32, SurvivalThreat.Unit?, String?, SurvivalThreat?)])
    func killModeDecides(pid: Int32, unit: SurvivalThreat.Unit?, killMode: String?, threat: SurvivalThreat?) {
        #expect(SurvivalThreat.judge(pid: pid, unit: unit, killMode: killMode) == threat)
    }

    @Test(arguments: [
        SurvivalThreat.isInit, .unit("m.service", killMode: "control-group"), .unprovable(unit: "m.service"),
    ])
    func everyThreatSaysWhatToDo(threat: SurvivalThreat) {
        #expect(!threat.message.isEmpty)
        #expect(!threat.advice.isEmpty)
    }
}
