package io.tidbspark.functions

import org.apache.spark.sql.catalyst.analysis.{NoSuchFunctionException, NoSuchNamespaceException}
import org.apache.spark.sql.connector.catalog.functions.UnboundFunction
import org.apache.spark.sql.connector.catalog.{FunctionCatalog, Identifier, SupportsNamespaces}

import io.tidbspark.proto.SessionConfig
import io.tidbspark.time.Statement

/**
 * Functions of a catalog, all in the namespace `system`:
 *
 * {{{
 *   SELECT tidb_catalog.system.tso_to_timestamp(449999999999999999)
 *   SELECT tidb_catalog.system.timestamp_to_tso(TIMESTAMP '2024-03-10 02:30:00')
 *   SELECT tidb_catalog.system.current_tso()
 * }}}
 */
trait TiFunctions extends FunctionCatalog { self: SupportsNamespaces =>

  /** The cluster that [[CurrentTso]] asks. */
  protected def cluster(): SessionConfig

  private def functions: Map[String, () => UnboundFunction] = Map(
    "tso_to_timestamp" -> (() => TsoToTimestampFunction),
    "timestamp_to_tso" -> (() => TimestampToTsoFunction),
    "current_tso" -> (() => new CurrentTsoFunction(() => Statement.currentTso(cluster())))
  )

  private def isSystem(namespace: Array[String]): Boolean =
    namespace.length == 1 && namespace.head.equalsIgnoreCase(TiFunctions.Namespace)

  override def listFunctions(namespace: Array[String]): Array[Identifier] =
    if (isSystem(namespace)) {
      functions.keys.toArray.sorted.map(Identifier.of(Array(TiFunctions.Namespace), _))
    } else if (namespace.isEmpty || namespaceExists(namespace)) {
      Array.empty
    } else {
      throw new NoSuchNamespaceException(namespace)
    }

  /** Spark asks for the function of a table's partitioning without a namespace. */
  override def loadFunction(identifier: Identifier): UnboundFunction = identifier.name match {
    case PartitionFunction(function) if identifier.namespace.isEmpty => function
    case name =>
      functions
        .get(name.toLowerCase(java.util.Locale.ROOT))
        .filter(_ => isSystem(identifier.namespace))
        .getOrElse(throw new NoSuchFunctionException(identifier))
        .apply()
  }
}

object TiFunctions {

  /** Where the functions are. A database of TiDB of that name keeps its tables. */
  val Namespace = "system"
}
