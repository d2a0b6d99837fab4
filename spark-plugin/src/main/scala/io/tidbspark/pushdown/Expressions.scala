package io.tidbspark.pushdown

import org.apache.spark.sql.connector.expressions.filter.{And, Or, Predicate}
import org.apache.spark.sql.connector.expressions.{Cast, Expression, Extract, GeneralScalarExpression, Literal, NamedReference}
import org.apache.spark.sql.types.DayTimeIntervalType

import io.tidbspark.compat.Converters._
import io.tidbspark.proto
import io.tidbspark.types.SparkTypes

/**
 * Spark's V2 expressions as plan.Expr: their structure, nothing of their meaning, which the native library knows. What has no form
 * there (fields of structs, functions of users, elements of arrays, types that TiDB has not) is None, and Spark evaluates it.
 */
object Expressions {

  /**
   * Nesting that is translated. Messages of the native library may nest 100 deep, an expression takes two levels for each of its own;
   * chains of AND and OR do not count, they are balanced.
   */
  private val MaxDepth = 40

  /** A conjunct of a filter, or any other expression. */
  def translate(expression: Expression): Option[proto.Expr] = translate(expression, MaxDepth)

  /** All or nothing. */
  def translateAll(expressions: Seq[Expression]): Option[Seq[proto.Expr]] = all(expressions, MaxDepth)

  /** Names of the columns that an expression reads. */
  def columns(expression: proto.Expr): Set[String] = expression.getNodeCase match {
    case proto.Expr.NodeCase.COLUMN => Set(expression.getColumn)
    case proto.Expr.NodeCase.CALL => expression.getCall.getArgumentsList.asScala.iterator.flatMap(columns).toSet
    case _ => Set.empty
  }

  private def translate(expression: Expression, depth: Int): Option[proto.Expr] =
    if (depth == 0) {
      None
    } else {
      expression match {
        case reference: NamedReference =>
          if (reference.fieldNames.length == 1) Some(proto.Expr.newBuilder().setColumn(reference.fieldNames.head).build())
          else None
        // AlwaysTrue and AlwaysFalse too.
        case literal: Literal[_] =>
          Literals.translate(literal.value, literal.dataType).map(proto.Expr.newBuilder().setLiteral(_).build())
        case cast: Cast =>
          for {
            target <- castTarget(cast)
            child <- translate(cast.expression, depth - 1)
          } yield call("CAST", Seq(child), Some(target))
        case extract: Extract => translate(extract.source, depth - 1).map(child => call(s"EXTRACT_${extract.field}", Seq(child)))
        case and: And => chain("AND", flatten("AND", and), depth)
        case or: Or => chain("OR", flatten("OR", or), depth)
        case scalar: GeneralScalarExpression => all(scalar.children.toSeq, depth - 1).map(call(scalar.name, _)) // predicates too
        case _ => None
      }
    }

  private def all(expressions: Seq[Expression], depth: Int): Option[Seq[proto.Expr]] =
    expressions.foldLeft(Option(Vector.empty[proto.Expr])) { (done, next) =>
      done.flatMap(translated => translate(next, depth).map(translated :+ _))
    }

  private def castTarget(cast: Cast): Option[proto.DataType] = cast.dataType match {
    // The narrower ones drop fields of the value.
    case interval: DayTimeIntervalType if interval != DayTimeIntervalType() => None
    case other => SparkTypes.toProto(other)
  }

  /** Operands of a chain of one operator, from left to right; without recursion, because chains may be long. */
  private def flatten(name: String, predicate: Predicate): Vector[Expression] = {
    var pending: List[Expression] = List(predicate)
    val operands = Vector.newBuilder[Expression]
    while (pending.nonEmpty)
      pending.head match {
        case same: Predicate if same.name == name => pending = same.children.toList ++ pending.tail
        case operand =>
          operands += operand
          pending = pending.tail
      }
    operands.result()
  }

  /** AND and OR are associative, also with NULLs: a balanced tree means the same and is not deep. */
  private def chain(name: String, operands: Vector[Expression], depth: Int): Option[proto.Expr] = {
    val levels = 32 - Integer.numberOfLeadingZeros(math.max(operands.length - 1, 0))
    if (levels >= depth) None else all(operands, depth - levels).map(balanced(name, _))
  }

  private def balanced(name: String, operands: Seq[proto.Expr]): proto.Expr =
    if (operands.length == 1) {
      operands.head
    } else {
      val (left, right) = operands.splitAt(operands.length / 2)
      call(name, Seq(balanced(name, left), balanced(name, right)))
    }

  private[tidbspark] def call(name: String, arguments: Seq[proto.Expr], target: Option[proto.DataType] = None): proto.Expr = {
    val built = proto.Call.newBuilder().setFunction(name).addAllArguments(arguments.asJava)
    target.foreach(built.setType)
    proto.Expr.newBuilder().setCall(built).build()
  }
}
