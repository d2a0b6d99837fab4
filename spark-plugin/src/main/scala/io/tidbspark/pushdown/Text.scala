package io.tidbspark.pushdown

import java.util.Locale

import io.tidbspark.compat.Converters._
import io.tidbspark.proto
import io.tidbspark.proto.Aggregate.Function

/** Expressions for people: EXPLAIN and the SQL tab. */
object Text {

  /** Constants of a list that are shown. */
  private val ShownArguments = 10

  /** Characters of a constant that are shown. */
  private val ShownText = 40

  private val Infix = Set("=", "<=>", "<>", "<", "<=", ">", ">=", "AND", "OR", "+", "-", "*", "/", "%", "&", "|", "^")

  def expression(expression: proto.Expr): String = expression.getNodeCase match {
    case proto.Expr.NodeCase.COLUMN => expression.getColumn
    case proto.Expr.NodeCase.LITERAL => literal(expression.getLiteral)
    case proto.Expr.NodeCase.CALL => call(expression.getCall)
    case _ => "?"
  }

  def order(order: proto.SortOrder): String =
    s"${expression(order.getExpression)} ${if (order.getDescending) "DESC" else "ASC"} NULLS ${if (order.getNullsLast) "LAST"
      else "FIRST"}"

  def groups(aggregation: proto.Aggregation): Seq[String] = aggregation.getGroupByList.asScala.map(expression).toSeq

  def aggregates(aggregation: proto.Aggregation): Seq[String] = aggregation.getAggregatesList.asScala.map { aggregate =>
    val arguments =
      if (aggregate.getFunction == Function.COUNT_STAR) "*" else aggregate.getArgumentsList.asScala.map(expression).mkString(", ")
    s"${aggregate.getFunction.name.stripSuffix("_STAR")}(${if (aggregate.getDistinct) "DISTINCT " else ""}$arguments)"
  }.toSeq

  private def call(call: proto.Call): String = {
    val arguments = call.getArgumentsList.asScala.toSeq
    (call.getFunction, arguments) match {
      case (name, Seq(left, right)) if Infix(name) => s"(${expression(left)} $name ${expression(right)})"
      case ("IS_NULL", Seq(child)) => s"${expression(child)} IS NULL"
      case ("IS_NOT_NULL", Seq(child)) => s"${expression(child)} IS NOT NULL"
      case ("NOT", Seq(child)) => s"NOT ${expression(child)}"
      case ("CAST", Seq(child)) => s"CAST(${expression(child)} AS ${call.getType.getKind})"
      case ("IN", child +: values) => s"${expression(child)} IN (${list(values)})"
      case (name, _) => s"$name(${list(arguments)})"
    }
  }

  private def list(values: Seq[proto.Expr]): String = {
    val shown = values.take(ShownArguments).map(expression).mkString(", ")
    if (values.length > ShownArguments) s"$shown, ... ${values.length - ShownArguments} more" else shown
  }

  private def literal(literal: proto.Literal): String = {
    import proto.Literal.ValueCase
    literal.getValueCase match {
      case ValueCase.BOOLEAN => literal.getBoolean.toString
      case ValueCase.INTEGER => integer(literal)
      case ValueCase.REAL => literal.getReal.toString
      case ValueCase.DECIMAL => literal.getDecimal
      case ValueCase.TEXT => s"'${short(literal.getText)}'"
      case ValueCase.BINARY => s"x'${short(literal.getBinary.asScala.map(b => String.format(Locale.ROOT, "%02x", b)).mkString)}'"
      case _ => "NULL"
    }
  }

  private def integer(literal: proto.Literal): String = {
    import proto.DataType.Kind
    val value = literal.getInteger
    def moment = java.time.Instant.EPOCH.plus(value, java.time.temporal.ChronoUnit.MICROS)
    literal.getType.getKind match {
      case Kind.DATE => java.time.LocalDate.ofEpochDay(value).toString
      case Kind.TIMESTAMP => moment.toString
      case Kind.TIMESTAMP_NTZ => moment.toString.stripSuffix("Z")
      case Kind.DAY_TIME_INTERVAL => s"$value us"
      case _ => value.toString
    }
  }

  private def short(text: String): String = if (text.length > ShownText) text.take(ShownText) + "..." else text
}
