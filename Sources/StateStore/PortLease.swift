internal import GRDB
internal import ModelCore

/// The right of one live instance to a port. It ends with the instance, by a trigger.
enum PortLease {
    static func all(in db: Database) throws -> [Int: ModelKey] {
        let rows = try Row.fetchAll(
            db, sql: "SELECT l.port, i.key FROM port_lease l JOIN instance i ON i.id = l.instance_id")
        return try rows.reduce(into: [:]) { leases, row in
            let row = RowReader(row)
            leases[try row.value("port")] = try row.key("key")
        }
    }

    static func take(_ port: Int, for instance: InstanceID, in db: Database) throws {
        try db.execute(
            sql: "INSERT INTO port_lease (port, instance_id) VALUES (?, ?)", arguments: [port, instance.text])
    }
}
